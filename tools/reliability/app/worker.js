'use strict';

// A thread with a server: posts the port, then a word for each request that it does not answer.

const { parentPort, workerData } = require('node:worker_threads');
const handler = require('./handler.js');

const { createServer } = require(workerData.implementation);

const answer = handler();
const server = createServer((req, res) => {
  answer(req, res);
  if (req.url.startsWith('/never')) parentPort.postMessage('waiting');
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
