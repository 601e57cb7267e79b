'use strict';
const { AsyncLocalStorage } = require('node:async_hooks');
const { http, get, talk } = require('./client.js');

const storage = new AsyncLocalStorage();
const say = (what) => () => console.log(what, storage.getStore());
const server = http.createServer((req, res) => storage.run(req.url, () => {
  req.on('end', say('request end')).on('close', say('request close')).resume();
  res.on('finish', say('response finish')).on('close', say('response close'));
  req.socket.on('finish', say('socket finish'));
  setImmediate(() => res.end('x', say('end')));
}));
server.on('clientError', (error, socket) => storage.run(error.code, () => {
  socket.end('HTTP/1.1 400 Bad Request\r\n\r\n', say('socket end'));
  socket.on('close', say('socket close'));
}));
talk(server, get('/a'), 'BAD\r\n\r\n', get('/b'));
