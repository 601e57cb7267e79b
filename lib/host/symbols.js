'use strict';
// Node keeps some state of its objects under symbols that it does not export. This file finds each of them once, on
// objects that Node itself has made. Nothing else in lib/ looks for symbols.

const http = require('http');
const net = require('net');
const { withoutTrace } = require('./trial');
const { Server, IncomingMessage, OutgoingMessage } = http;

function symbolOf(object, description) {
  return Object.getOwnPropertySymbols(object).find((s) => s.description === description);
}

const handle = {}; // stands for a libuv handle
const { server, request, response, socket } = withoutTrace(() => ({
  server: new Server(),
  request: new IncomingMessage(),
  response: new OutgoingMessage(), // a ServerResponse would begin a trace event
  socket: new net.Socket({ handle, manualStart: true }),
}));
const symbols = {
  incomingMessage: symbolOf(server, 'IncomingMessage'),
  serverResponse: symbolOf(server, 'ServerResponse'),
  optimizeEmptyRequests: symbolOf(server, 'OptimizeEmptyRequestsOption'), // Node 24.12 and later
  headers: symbolOf(request, 'kHeaders'),
  headersCount: symbolOf(request, 'kHeadersCount'),
  uniqueHeaders: symbolOf(server, 'kUniqueHeaders'),
  asyncId: symbolOf(server, 'async_id_symbol'),
  needDrain: symbolOf(response, 'kNeedDrain'),
  // These exist in Node 24.20, in 26.7 and later:
  writableFinished: symbolOf(response, 'kWritableFinished'),
  endCallbacks: symbolOf(response, 'kEndCallbacks'),
  flushError: symbolOf(response, 'kFlushError'),
  detachAbortSignal: symbolOf(IncomingMessage.prototype, 'kDetachAbortSignal'),
};

// The 'listening' listener of http.Server makes the connections list and its checking interval. Called with a plain
// object, it shows the symbols of both. The first releases of Node 20 make them in the constructor.
const listening = { connectionsCheckingInterval: 2 ** 30 };
server.listeners('listening')[0]?.call(listening);
let connections; // a list of connections that nobody uses
for (const holder of [server, listening]) {
  for (const symbol of Object.getOwnPropertySymbols(holder)) {
    if (symbol.description === 'http.server.connections') {
      symbols.connections = symbol;
      connections = holder[symbol];
    } else if (symbol.description === 'http.server.connectionsCheckingInterval') {
      clearInterval(holder[symbol]);
    }
  }
}

socket.setTimeout(2 ** 30);
symbols.timeout = symbolOf(socket, 'timeout');
socket.setTimeout(0);

// Under this symbol a handle has its socket, to which it reports what it reads.
symbols.owner = Object.getOwnPropertySymbols(handle).find((symbol) => handle[symbol] === socket);
/** What a handle calls when it has read something. */
const { onread } = handle;

/** Node's own 'connection' listener of http servers, which ours replaces. */
const nodeConnectionListener = server.listeners('connection')[0];

module.exports = { symbols, connections, onread, nodeConnectionListener };
