'use strict';
// https.Server with our parser and error path: Node's tls decrypts, and each secure socket is a
// connection that JavaScript reads (lib/connection.js).

const https = require('https');
const { symbols } = require('./host');
const { kServer } = require('./client-error');
const { ServerLink, clientErrorCounts, replaceListener } = require('./server');

const HttpsServer = https.Server;

function Server(options, requestListener) {
  if (!(this instanceof Server)) return new Server(options, requestListener);
  HttpsServer.call(this, options, requestListener);
  replaceListener(this, 'secureConnection');
  const link = new ServerLink(this);
  Object.defineProperty(this, kServer, { value: link, configurable: true });
  this[symbols.connections] = link;
}
Object.setPrototypeOf(Server.prototype, HttpsServer.prototype);
Object.setPrototypeOf(Server, HttpsServer);

Server.prototype.clientErrorCounts = clientErrorCounts;

function createServer(options, requestListener) {
  return new Server(options, requestListener);
}

module.exports = { Server, createServer };
