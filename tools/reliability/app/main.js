'use strict';

// The process under test, forked with { implementation, ledger, lasting } as JSON. Its servers are 'plain', without a
// 'clientError' listener, and 'heard', with one. With `lasting` they keep idle connections. It takes commands over IPC.

const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { WebSocketServer } = require('ws');
const collect = require('./collect.js');
const handler = require('./handler.js');
const takeOrders = require('./orders.js');

const { implementation, ledger: wanted, lasting } = JSON.parse(process.argv[2]);
const { createServer } = require(implementation);

const OPTIONS = lasting ? { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 } : {
  headersTimeout: 5000,
  requestTimeout: 60_000,
  keepAliveTimeout: 1500,
  connectionsCheckingInterval: 500,
};

const seen = { requests: 0, sockets: 0, closed: 0, refused: 0, upgrades: 0, uncaught: [] };
/** By the id of a request: the events that the program has seen. */
const ledger = wanted ? new Map() : null;
/** The events of a connection that the program has seen. */
const fates = new WeakMap();

function keepSocket(socket) {
  seen.sockets++;
  const fate = { error: null, closed: false };
  fates.set(socket, fate);
  socket.on('error', (error) => { fate.error = error.code ?? error.message; });
  socket.once('close', () => {
    seen.closed++;
    fate.closed = true;
  });
}

function keep(req, res, query) {
  seen.requests++;
  if (ledger === null) return;
  const entry = { queued: query.has('queued'), finish: false, close: false, socket: fates.get(req.socket) };
  ledger.set(query.get('id'), entry);
  res.on('finish', () => { entry.finish = true; });
  res.on('close', () => { entry.close = true; });
}

function serve(heard) {
  const server = createServer(OPTIONS, handler(keep));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('connection', keepSocket);
  server.on('upgrade', (req, socket, head) => {
    seen.upgrades++;
    sockets.handleUpgrade(req, socket, head, (peer) => {
      peer.on('error', () => {});
      peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
    });
  });
  server.on('connect', (req, socket, head) => {
    seen.upgrades++;
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
  });
  if (heard) {
    server.on('clientError', (error, socket) => {
      seen.refused++;
      if (!socket.writable || error.code === 'ECONNRESET') socket.destroy();
      else socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: ${error.code.length}\r\n\r\n${error.code}`);
    });
  }
  return server;
}

const servers = { plain: serve(false), heard: serve(true) };

/** Starts a worker with a server, and terminates it while a request is running. */
async function worker() {
  const thread = new Worker(path.join(__dirname, 'worker.js'), { workerData: { implementation } });
  const [port] = await once(thread, 'message');
  const answer = await fetch(`http://127.0.0.1:${port}/bytes?seed=7&length=1000&how=end&when=now`);
  const good = (await answer.arrayBuffer()).byteLength === 1000;
  const pending = fetch(`http://127.0.0.1:${port}/never`).then(() => false, () => true);
  await once(thread, 'message'); // it has the second request
  await thread.terminate();
  return good && await pending;
}

takeOrders({
  async listen() {
    const ports = {};
    for (const [name, server] of Object.entries(servers)) {
      if (!server.listening) {
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
      }
      ports[name] = server.address().port;
    }
    return ports;
  },
  async sample({ gc }) {
    if (gc) await collect();
    const open = await Promise.all(Object.values(servers).map((server) =>
      new Promise((resolve) => server.getConnections((_, count) => resolve(count)))));
    return { ...seen, open: open.reduce((sum, count) => sum + count), memory: process.memoryUsage() };
  },
  worker,
  /** The events of each request that the program has seen. */
  ledger: () => [...ledger],
  async stop() {
    await Promise.all(Object.values(servers).map((server) => new Promise((resolve) => server.close(resolve))));
    return true;
  },
});

process.on('uncaughtException', (error) => {
  if (seen.uncaught.length < 20) seen.uncaught.push(error.stack);
});
