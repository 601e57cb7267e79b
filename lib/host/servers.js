'use strict';
// What Node's servers keep to themselves, and what they ask of a server of ours.

const { debuglog } = require('util');
const { Server } = require('http');
const { symbols } = require('./symbols');
const { shortcuts } = require('./shortcuts');

const netDebug = debuglog('net'); // NODE_DEBUG=net

const { _emitCloseIfDrained: plainDrained } = Server.prototype;

/** Has 'close' emitted once a server has neither a listening handle nor connections. */
function emitCloseIfDrained(server) {
  server?._emitCloseIfDrained();
}

/**
 * Has a class of servers ask `handleOf(server)` for the listening handle first: as long as there is one, Node's
 * function has nothing to do but to count connections, for its log. `drained(server)` is called after it, where there
 * is none.
 */
function watchDrain(Class, handleOf, drained) {
  Object.defineProperty(Class.prototype, '_emitCloseIfDrained', {
    value: function _emitCloseIfDrained() {
      if (handleOf(this) && !netDebug.enabled && shortcuts.drained.open && Server.prototype._emitCloseIfDrained === plainDrained) {
        return;
      }
      Server.prototype._emitCloseIfDrained.call(this);
      if (handleOf(this) === null) drained(this);
    },
    writable: true,
    configurable: true,
  });
}

/** Where Node puts the listening handle of a server, and takes it from. */
function defineHandle(server, get, set) {
  Object.defineProperty(server, '_handle', { configurable: true, enumerable: true, get, set });
}

/** Where net.Socket and net.Server count connections, by one up or down from what they read. */
function defineConnectionCount(server, get, set) {
  Object.defineProperty(server, '_connections', { configurable: true, enumerable: true, get, set });
}

/** The list of connections that Node puts under a symbol of each server that listens goes to `put(server, list)`, too. */
function watchConnectionsList(prototype, put) {
  Object.defineProperty(prototype, symbols.connections, {
    configurable: true,
    get() {
      return undefined;
    },
    set(list) {
      put(this, list);
      Object.defineProperty(this, symbols.connections, { value: list, writable: true, enumerable: true, configurable: true });
    },
  });
}

/**
 * An entry of a connections list that is overdue. Node's checker makes the error and gives it to the server of what
 * looks like a socket; `refuse(error)` gets it.
 */
function overdueEntry(refuse) {
  return {
    socket: {
      removeListener() {},
      listenerCount: () => 1,
      server: {
        emit(event, error) {
          refuse(error);
          return true;
        },
      },
    },
  };
}

/** The class of a server's requests, and that of its responses. */
function requestClass(server) {
  return server[symbols.incomingMessage];
}

function responseClass(server) {
  return server[symbols.serverResponse];
}

module.exports = {
  emitCloseIfDrained, watchDrain, defineHandle, defineConnectionCount, watchConnectionsList, overdueEntry,
  requestClass, responseClass,
};
