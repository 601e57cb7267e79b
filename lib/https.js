'use strict';
// https.Server with our parser and error path: Node's tls decrypts, and each secure socket is a
// connection that JavaScript reads (lib/connection.js).

const https = require('https');
const { kServer } = require('./client-error');
const { ServerLink, clientErrorCounts, replaceListener, shareConnections } = require('./server');

const HttpsServer = https.Server;

function Server(options, requestListener) {
  if (!(this instanceof Server)) return new Server(options, requestListener);
  HttpsServer.call(this, options, requestListener);
  replaceListener(this, 'secureConnection');
  Object.defineProperty(this, kServer, { value: new ServerLink(this), configurable: true });
}
Object.setPrototypeOf(Server.prototype, HttpsServer.prototype);
Object.setPrototypeOf(Server, HttpsServer);

shareConnections(Server.prototype);

Server.prototype.clientErrorCounts = clientErrorCounts;

function createServer(options, requestListener) {
  return new Server(options, requestListener);
}

module.exports = { Server, createServer };
