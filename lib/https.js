'use strict';
// https.Server with our parser and error path: Node's tls decrypts, and each secure socket is a
// connection that JavaScript reads (lib/connection.js).

const https = require('https');
const { kServer } = require('./client-error');
const { ServerLink, replaceListener, shareConnections } = require('./server');
const refusalMethods = require('./refusals/methods');

const HttpsServer = https.Server;

function Server(options, requestListener) {
  if (!(this instanceof Server)) return new Server(options, requestListener);
  const refusals = typeof options === 'object' ? options?.refusals : undefined;
  HttpsServer.call(this, options, requestListener);
  replaceListener(this, 'secureConnection');
  Object.defineProperty(this, kServer, { value: new ServerLink(this, refusals), configurable: true });
}
Object.setPrototypeOf(Server.prototype, HttpsServer.prototype);
Object.setPrototypeOf(Server, HttpsServer);

shareConnections(Server.prototype);

refusalMethods.define(Server);

function createServer(options, requestListener) {
  return new Server(options, requestListener);
}

module.exports = { Server, createServer };
