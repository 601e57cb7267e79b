'use strict';

// argv: the number of workers.

const cluster = require('node:cluster');
const { createServer, attend } = require('./common.js');

const server = createServer((req, res) => {
  res.end('Hello World\n');
});
if (cluster.isPrimary) {
  let missing = Number(process.argv[2]);
  cluster.on('listening', (worker, { port }) => {
    missing -= 1;
    if (missing === 0) attend({ address: () => ({ port }) });
  });
  cluster.on('exit', () => process.exit(1));
  for (let i = missing; i > 0; i--) cluster.fork();
} else {
  // The primary gives all workers that ask for port 0 the same port.
  server.listen(0, '127.0.0.1');
}
