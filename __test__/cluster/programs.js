'use strict';

// The programs of the tests in this folder: node programs.js <program> <implementation> [policy]. The test sends
// commands over IPC ({ order, ... }), and the program answers what has happened ({ told, ... }). Workers of
// node:cluster run this file with the same arguments.

const cluster = require('node:cluster');
const fs = require('node:fs');
const net = require('node:net');
const threads = require('node:worker_threads');

const [, , program, specifier, policy] = process.argv;
const { createServer } = require(specifier);

const listenOptions = { port: 0, host: '127.0.0.1' };

/** Answers with the worker's id. */
function createApp() {
  const server = createServer((req, res) => {
    res.setHeader('worker', cluster.worker.id);
    res.end(`${req.method} ${req.url}`);
  });
  return server;
}

function primary() {
  cluster.schedulingPolicy = policy === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
  const tell = (worker, told, more) => process.send({ told, id: worker.id, ...more });
  cluster.on('listening', (worker, address) => tell(worker, 'listening', { port: address.port }));
  cluster.on('disconnect', (worker) => tell(worker, 'disconnect'));
  cluster.on('exit', (worker, code, signal) => tell(worker, 'exit', { code, signal }));
  cluster.on('message', (worker, message) => process.send({ ...message, id: worker.id }));
  process.on('message', ({ order, id, ...more }) => {
    if (order === 'fork') cluster.fork();
    else if (order === 'disconnect') cluster.workers[id].disconnect();
    else if (order === 'tell worker') cluster.workers[id].send(more);
  });
  process.on('disconnect', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill();
    process.exit();
  });
}

const PROGRAMS = {
  serve() {
    if (cluster.isPrimary) return primary();
    const server = createApp();
    server.on('close', () => fs.writeSync(1, `closed ${cluster.worker.id}\n`));
    server.listen(listenOptions);
  },

  // Answers slowly, in one part or two, and ends keep-alive when it closes. On command, it holds one answer back until
  // then.
  roll() {
    if (cluster.isPrimary) return primary();
    let handled = 0;
    let hold = false;
    const server = createServer((req, res) => {
      handled++;
      const held = hold;
      hold = false;
      if (held) process.send({ told: 'holding' });
      const leaving = () => {
        if (!server.listening) res.shouldKeepAlive = false;
      };
      res.setHeader('worker', cluster.worker.id);
      if (req.url.startsWith('/parts')) {
        leaving();
        res.write('begun ');
      }
      let turns = 5;
      setImmediate(function finish() {
        if (held ? server.listening : --turns > 0) return setImmediate(finish);
        leaving();
        res.end(req.url);
      });
    });
    process.on('message', () => (hold = true));
    process.on('exit', () => fs.writeSync(1, `${cluster.worker.id} ${handled}\n`));
    server.listen(listenOptions);
  },

  refuse() {
    if (cluster.isPrimary) return primary();
    const server = createApp();
    server.listen(listenOptions);
    process.on('message', () => process.send({ told: 'counts', counts: server.clientErrorCounts?.() }));
  },

  'pass sockets'() {
    if (cluster.isPrimary) {
      primary();
      const worker = cluster.fork();
      const server = net.createServer({ pauseOnConnect: true }, (socket) => worker.send('socket', socket));
      worker.once('online', () => server.listen(listenOptions, () => {
        process.send({ told: 'passing', port: server.address().port });
      }));
      return;
    }
    const server = createApp();
    const events = [];
    server.on('connection', () => events.push('connection'));
    server.on('request', (req) => events.push(`request ${req.url}`));
    server.on('clientError', (err, socket) => {
      events.push(`clientError ${err.code} ${err.bytesParsed} ${err.rawPacket.length} ${socket instanceof net.Socket}`);
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
    });
    process.on('message', (message, socket) => {
      if (message !== 'socket') return process.send({ told: 'events', events });
      server.emit('connection', socket);
      socket.resume();
    });
  },

  'share a port by threads'() {
    if (threads.isMainThread) {
      const add = (port) => new threads.Worker(__filename, { argv: process.argv.slice(2), workerData: port });
      add(0).once('message', (port) => {
        add(port).once('message', (second) => process.send({ told: 'shared', ports: [port, second] }));
      });
      process.on('disconnect', () => process.exit());
      return;
    }
    const server = createServer((req, res) => {
      res.setHeader('connection', 'close');
      res.end(String(threads.threadId));
    });
    server.listen({ ...listenOptions, port: threads.workerData, reusePort: true }, () => {
      threads.parentPort.postMessage(server.address().port);
    });
  },
};

PROGRAMS[program]();
