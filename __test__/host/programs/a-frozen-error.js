'use strict';
const { http, get, talk } = require('./client.js');

Object.freeze(Error);
process.on('uncaughtException', (error) => console.log('uncaught', error.name));
const server = http.createServer((req, res) => res.end('x'));
server.on('clientError', (error, socket) => {
  console.log(error.code, error.message, error.stack.split('\n', 1)[0], Reflect.ownKeys(error).join());
  socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
});
talk(server, get('/'), 'BAD\r\n\r\n', get('/') + 'BAD\r\n\r\n', get('/'));
