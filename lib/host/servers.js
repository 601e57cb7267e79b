'use strict';
// Named functions for internals of Node's servers, and for what Node asks of a server of ferrohttp.

const { debuglog } = require('util');
const { Server } = require('http');
const net = require('net');
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

let blocks; // found when it is asked for first

/** Whether this Node refuses addresses of `server.blockList`. */
function hasBlockList() {
  if (blocks === undefined) {
    try {
      blocks = !new net.Server({ blockList: 'none' });
    } catch {
      blocks = true;
    }
  }
  return blocks;
}

/** Whether a server's block list has an address; `family` is IPv4 or IPv6. */
function isBlocked({ blockList }, address, family) {
  return Boolean(blockList) && hasBlockList() && typeof address === 'string' && blockList.check(address, family.toLowerCase());
}

/** What a handle's `getpeername` or `getsockname` says. */
function askHandle(handle, name) {
  const found = {};
  return handle[name]?.(found) === 0 ? found : {};
}

/**
 * Sees which connections Node drops that a listening handle of a server accepts. `note(peer, local, open)` is told
 * of each: `open` is the number of open connections where there are `limit()` of them (-1 for no limit), and -1 where
 * the peer's address is blocked. Where nothing can be dropped Node's listener is called as it is.
 */
function watchDrops(server, handle, limit, note) {
  let listener;
  const isFull = () => limit() !== -1 && server._connections >= limit();
  function watching(error, client) {
    if (!error) {
      const peer = askHandle(client, 'getpeername');
      const open = isFull() ? server._connections : -1;
      if (open !== -1 || isBlocked(server, peer.address, peer.family)) note(peer, askHandle(client, 'getsockname'), open);
    }
    return Reflect.apply(listener, this, arguments);
  }
  Object.defineProperty(handle, 'onconnection', {
    configurable: true,
    enumerable: true,
    get: () => (typeof listener === 'function' && (server.blockList || isFull()) ? watching : listener),
    set(value) {
      listener = value;
    },
  });
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
  emitCloseIfDrained, watchDrain, defineHandle, defineConnectionCount, hasBlockList, isBlocked, watchDrops,
  watchConnectionsList, overdueEntry,
  requestClass, responseClass,
};
