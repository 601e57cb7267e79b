'use strict';

// A thread with a server. It posts the port, and then a word for each request that it does not answer. It ends on
// command: 'exit' and 'throw' end it at once, 'close' ends it when its connections have ended.

const { parentPort, workerData } = require('node:worker_threads');
const handler = require('./handler.js');

const { createServer } = require(workerData.implementation);

const answer = handler();
const server = createServer({ keepAliveTimeout: 500 }, (req, res) => {
  answer(req, res);
  if (req.url.startsWith('/never')) parentPort.postMessage('waiting');
});
server.on('connect', (req, socket, head) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  if (head.length > 0) socket.write(head);
  socket.pipe(socket);
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));

parentPort.on('message', (how) => {
  switch (how) {
    case 'exit': return process.exit(7);
    case 'throw': throw new Error('thrown');
    default:
      server.close();
      parentPort.unref();
  }
});
