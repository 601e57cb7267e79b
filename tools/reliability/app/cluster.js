'use strict';

// A primary with two workers on one port, forked with { implementation } as JSON. 'restart' starts a worker, and then
// the oldest one disconnects. It is not killed, because Node's primary would keep the connections that are on their way
// to it for ever.

const cluster = require('node:cluster');
const { once } = require('node:events');
const handler = require('./handler.js');
const takeOrders = require('./orders.js');

const { implementation } = JSON.parse(process.argv[2]);
const WORKERS = 2;

if (cluster.isPrimary) primary();
else require(implementation).createServer({ keepAliveTimeout: 500 }, handler()).listen(0, '127.0.0.1');

function primary() {
  let restarts = 0;

  async function start() {
    const worker = cluster.fork();
    const [address] = await once(worker, 'listening');
    return address.port;
  }

  takeOrders({
    async listen() {
      let port;
      for (let i = 0; i < WORKERS; i++) port = await start();
      return port;
    },
    async restart() {
      await start();
      const [oldest] = Object.values(cluster.workers);
      const exit = once(oldest, 'exit');
      restarts++;
      oldest.disconnect();
      // Connections that never end would keep the worker alive.
      const late = setTimeout(() => oldest.process.kill('SIGKILL'), 20_000);
      await exit;
      clearTimeout(late);
      return Object.keys(cluster.workers).length;
    },
    sample: () => ({ restarts, memory: process.memoryUsage() }),
    async stop() {
      await Promise.all(Object.values(cluster.workers).map((worker) => {
        const exit = once(worker, 'exit');
        worker.process.kill('SIGKILL');
        return exit;
      }));
    },
  });
}
