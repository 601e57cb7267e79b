'use strict';
// The server: an http.Server whose listening descriptors Rust accepts on.

const { debuglog } = require('util');
const { Server: HttpServer, shortcuts } = require('../host');
const { supported } = require('../engine');
const { serve } = require('../engine/turn');
const { dispatch, beginTurn } = require('../delivery');
const refusalMethods = require('../refusals/methods');
const { replaceListener } = require('./accept');
const { shareConnections } = require('./connections-list');
const { kServer } = require('./key');
const { ServerLink } = require('./link');
const { watchProperties, watchOptional } = require('./watched');

const netDebug = debuglog('net'); // NODE_DEBUG=net

const { _emitCloseIfDrained: plainDrained } = HttpServer.prototype;

/** Events whose listeners decide what Rust may do without JavaScript. */
const WATCHED_EVENTS = new Set(['clientError', 'connection', 'drop']);

function Server(options, requestListener) {
  if (!(this instanceof Server)) return new Server(options, requestListener);
  const refusals = typeof options === 'object' ? options?.refusals : undefined;
  HttpServer.call(this, options, requestListener);
  replaceListener(this, 'connection');

  const link = new ServerLink(this, refusals);
  Object.defineProperty(this, kServer, { value: link, configurable: true });
  watchProperties(this, link);
  Object.defineProperties(this, {
    // Whoever wraps `emit` sees every event from then on, refusals included.
    emit: {
      configurable: true,
      get: () => Object.getPrototypeOf(this).emit,
      set(value) {
        Object.defineProperty(this, 'emit', { value, writable: true, enumerable: true, configurable: true });
        link.sync();
      },
    },
    _handle: {
      configurable: true,
      enumerable: true,
      get: () => link.listening.handle,
      set(handle) {
        if (handle !== null && handle !== undefined) link.listening.intercept(handle);
        link.listening.handle = handle;
      },
    },
  });
  if (!supported) return;
  Object.defineProperties(this, {
    // net.Socket and net.Server count here, by one up or down from what they read.
    _connections: {
      configurable: true,
      enumerable: true,
      get: () => (link.lastConnections = link.native.connections),
      set(count) {
        link.native.adjust(count - link.lastConnections);
      },
    },
  });
}
Object.setPrototypeOf(Server.prototype, HttpServer.prototype);
Object.setPrototypeOf(Server, HttpServer);

shareConnections(Server.prototype);
watchOptional(Server.prototype);

for (const name of ['on', 'addListener', 'prependListener', 'removeListener', 'off', 'removeAllListeners']) {
  const method = { [name](event, listener) {
    const result = Reflect.apply(HttpServer.prototype[name], this, arguments);
    if (event === undefined || WATCHED_EVENTS.has(event)) this[kServer]?.sync();
    return result;
  } }[name];
  Object.defineProperty(Server.prototype, name, { value: method, writable: true, configurable: true });
}

Object.defineProperty(Server.prototype, '_emitCloseIfDrained', {
  value: function _emitCloseIfDrained() {
    // Node's has nothing to do but to count connections, for its log.
    if (this[kServer].listening.handle && !netDebug.enabled && shortcuts.drained.open &&
        HttpServer.prototype._emitCloseIfDrained === plainDrained) {
      return;
    }
    HttpServer.prototype._emitCloseIfDrained.call(this);
    if (this._handle === null) this[kServer].listening.retire();
  },
  writable: true,
  configurable: true,
});

refusalMethods.define(Server);

function createServer(options, requestListener) {
  return new Server(options, requestListener);
}

serve(dispatch, beginTurn);

module.exports = { Server, createServer };
