'use strict';
// Named functions for internals of Node's servers, and for what Node asks of a server of ferrohttp.

const { debuglog } = require('util');
const { Server } = require('http');
const { symbols } = require('./symbols');
const { shortcuts } = require('./shortcuts');

const netDebug = debuglog('net'); // NODE_DEBUG=net

const { _emitCloseIfDrained: plainDrained } = Server.prototype;

/** Emits 'close' if a server has neither a listening handle nor connections. */
function emitCloseIfDrained(server) {
  server?._emitCloseIfDrained();
}

/**
 * Replaces `_emitCloseIfDrained` of a class of servers. While `handleOf(server)` returns a listening handle, Node's
 * function would only count connections for its log, so it is not called. If there is no handle, `drained(server)` is
 * called after it.
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

/** Defines the property in which Node keeps the listening handle of a server. */
function defineHandle(server, get, set) {
  Object.defineProperty(server, '_handle', { configurable: true, enumerable: true, get, set });
}

/**
 * Defines the property in which net.Socket and net.Server count connections. They read it and set it to one more or
 * less.
 */
function defineConnectionCount(server, get, set) {
  Object.defineProperty(server, '_connections', { configurable: true, enumerable: true, get, set });
}

/**
 * Calls `put(server, list)` when Node sets the list of connections of a server, which it does when the server listens.
 */
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
 * Makes an entry for the overdue connections in Node's list. Node's checker makes the error and emits it on the server
 * of the entry's socket, which calls `refuse(error)`.
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
