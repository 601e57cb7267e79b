'use strict';

// A server for malformed requests. argv: nothing, or `listener` for the listener that Node's documentation of
// 'clientError' shows.

const { createServer, serve } = require('./common.js');

const server = createServer((req, res) => {
  res.end('Hello World\n');
});
if (process.argv[2] === 'listener') {
  server.on('clientError', (err, socket) => {
    if (err.code === 'ECONNRESET' || !socket.writable) return;
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
}
serve(server);
