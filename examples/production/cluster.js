'use strict';

// A process for each processor, by node:cluster. A worker that dies is replaced; SIGTERM lets each finish.

const cluster = require('node:cluster');
const os = require('node:os');
const path = require('node:path');

cluster.setupPrimary({ exec: path.join(__dirname, 'server.js') });

let leaving = false;

cluster.on('exit', () => {
  if (!leaving) cluster.fork();
});

process.on('SIGTERM', () => {
  leaving = true;
  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');
});

const count = Number(process.env.WORKERS ?? os.availableParallelism());
for (let i = 0; i < count; i++) cluster.fork();
