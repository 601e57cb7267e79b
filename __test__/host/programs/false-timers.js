'use strict';
// flags: --no-warnings
const { readFile } = require('node:fs');
const { mock } = require('node:test');
const { http, get, talk } = require('./client.js');

const server = http.createServer((req, res) => {
  const { socket } = req;
  res.on('finish', () => console.log('response finish')).on('close', () => console.log('response close'));
  socket.on('finish', () => console.log('socket finish'));
  socket.on('close', () => server.getConnections((_error, count) => console.log('socket close', count)));
  readFile(__filename, () => res.end('x'));
});
mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] });
talk(server, get('/'), 'BAD\r\n\r\n');
