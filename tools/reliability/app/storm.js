'use strict';

// A process whose workers have servers, forked with { implementation } as JSON. 'start' returns the port of a worker,
// and 'end' ends the worker in one of several ways.

const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const collect = require('./collect.js');
const takeOrders = require('./orders.js');

const given = JSON.parse(process.argv[2]);

const workers = new Map();
const uncaught = [];
let ids = 0;

takeOrders({
  listen: () => true,
  async start() {
    const thread = new Worker(path.join(__dirname, 'worker.js'), { workerData: given });
    const worker = { thread, error: null, exit: new Promise((resolve) => thread.on('exit', resolve)) };
    thread.on('error', (error) => { worker.error = error.message; });
    const [port] = await once(thread, 'message');
    workers.set(++ids, worker);
    return { id: ids, port };
  },
  async end({ id, how }) {
    const worker = workers.get(id);
    const { thread, exit } = worker;
    workers.delete(id);
    if (how === 'terminate') await thread.terminate();
    else thread.postMessage(how);
    const code = await exit;
    switch (how) {
      case 'exit': return code === 7 || `code ${code}`;
      case 'throw': return worker.error === 'thrown' || `error ${worker.error}`;
      case 'close': return code === 0 || `code ${code}`;
      default: return true;
    }
  },
  async sample() {
    await collect();
    return { uncaught, memory: process.memoryUsage() };
  },
  stop: () => true,
});

process.on('uncaughtException', (error) => { uncaught.push(error.stack); });
