'use strict';
// The server: an http.Server that lets Rust accept its connections.

const { Server: HttpServer } = require('../host');
const { defineConnectionCount, defineHandle, watchDrain } = require('../host/servers');
const { supported } = require('../engine');
const { serve } = require('../engine/turn');
const { dispatch, beginTurn } = require('../delivery');
const refusalMethods = require('../refusals/methods');
const { replaceListener } = require('./accept');
const { shareConnections } = require('./connections-list');
const { useFastProperties } = require('./fast-properties');
const { kServer } = require('./key');
const { ServerLink } = require('./link');
const { watchProperties, watchOptional } = require('./watched');

/** Events whose listeners decide what Rust may do without asking JavaScript. */
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
    // A program that replaces `emit` sees every event from then on, refusals included.
    emit: {
      configurable: true,
      get: () => Object.getPrototypeOf(this).emit,
      set(value) {
        Object.defineProperty(this, 'emit', { value, writable: true, enumerable: true, configurable: true });
        link.sync();
      },
    },
  });
  defineHandle(this, () => link.listening.handle, (handle) => {
    if (handle !== null && handle !== undefined) link.listening.intercept(handle);
    link.listening.handle = handle;
  });
  if (supported) {
    defineConnectionCount(this, () => (link.lastConnections = link.native.connections), (count) => {
      link.native.adjust(count - link.lastConnections);
    });
  }
  useFastProperties(this);
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

watchDrain(Server, (server) => server[kServer].listening.handle, (server) => server[kServer].listening.retire());

refusalMethods.define(Server);

function createServer(options, requestListener) {
  return new Server(options, requestListener);
}

serve(dispatch, beginTurn);
useFastProperties(process); // each request uses it several times, in Node's own functions

module.exports = { Server, createServer };
