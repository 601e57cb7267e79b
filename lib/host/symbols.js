'use strict';
// Node keeps some per-object state under symbols that it does not export. Each is found here
// once, by looking at objects that Node itself made; nothing else in lib/ looks for symbols.

const http = require('http');
const net = require('net');
const { withoutTrace } = require('./trial');
const { Server, IncomingMessage, OutgoingMessage } = http;

function symbolOf(object, description) {
  return Object.getOwnPropertySymbols(object).find((s) => s.description === description);
}

const { server, request, response, socket } = withoutTrace(() => ({
  server: new Server(),
  request: new IncomingMessage(),
  response: new OutgoingMessage(), // a ServerResponse would begin a trace event
  socket: new net.Socket(),
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
  // Of Node 24.20, 26.7 and later:
  writableFinished: symbolOf(response, 'kWritableFinished'),
  endCallbacks: symbolOf(response, 'kEndCallbacks'),
  flushError: symbolOf(response, 'kFlushError'),
  detachAbortSignal: symbolOf(IncomingMessage.prototype, 'kDetachAbortSignal'),
};

// http.Server's own 'listening' listener creates the connections list and its checking interval;
// run on a bare object it shows under which symbols. The first releases of Node 20 do that in the
// constructor.
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

/** Node's own 'connection' listener of http servers; ours takes its place. */
const nodeConnectionListener = server.listeners('connection')[0];

module.exports = { symbols, connections, nodeConnectionListener };
