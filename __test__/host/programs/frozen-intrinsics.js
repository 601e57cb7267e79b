'use strict';
// flags: --frozen-intrinsics --no-warnings
const { http, get, talk } = require('./client.js');

const server = http.createServer((req, res) => {
  res.write('a');
  res.end(JSON.stringify(req.headers));
});
server.on('clientError', (error, socket) => {
  console.log(error.code);
  socket.destroy();
});
talk(server, get('/'), 'BAD\r\n\r\n', get('/', 'A: b', 'A: c'));
