'use strict';
// https.Server with ferrohttp's parser and error path. Node's tls decrypts. Each secure socket is a connection that
// JavaScript reads (lib/connection/feed.js).

const https = require('https');
const { exchangeListener, listenersOf } = require('./host/emitters');
const { defineHandle } = require('./host/servers');
const { kServer } = require('./server/key');
const { replaceListener } = require('./server/accept');
const { shareConnections } = require('./server/connections-list');
const { ServerLink } = require('./server/link');
const refusalMethods = require('./refusals/methods');

const HttpsServer = https.Server;

function Server(options, requestListener) {
  if (!(this instanceof Server)) return new Server(options, requestListener);
  const refusals = typeof options === 'object' ? options?.refusals : undefined;
  HttpsServer.call(this, options, requestListener);
  replaceListener(this, 'secureConnection');
  const link = new ServerLink(this, refusals);
  Object.defineProperty(this, kServer, { value: link, configurable: true });
  defineHandle(this, () => link.listening.handle, (handle) => {
    if (handle !== null && handle !== undefined) link.watchDrops(handle);
    link.listening.handle = handle;
  });
  countHandshakes(this);
}
Object.setPrototypeOf(Server.prototype, HttpsServer.prototype);
Object.setPrototypeOf(Server, HttpsServer);

shareConnections(Server.prototype);

refusalMethods.define(Server);

/** Counts failed handshakes. The listener that counts replaces Node's own and calls it. */
function countHandshakes(server) {
  const own = listenersOf(server, 'tlsClientError');
  const handshakes = { failed: 0, plainHttp: 0 };
  server[kServer].handshakes = handshakes;
  if (typeof own !== 'function') return;
  exchangeListener(server, 'tlsClientError', function tlsClientError(error) {
    handshakes.failed++;
    if (error?.code === 'ERR_SSL_HTTP_REQUEST') handshakes.plainHttp++;
    return Reflect.apply(own, this, arguments);
  });
}

function createServer(options, requestListener) {
  return new Server(options, requestListener);
}

module.exports = { Server, createServer };
