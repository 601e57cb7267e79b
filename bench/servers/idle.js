'use strict';

// Keeps idle connections for as long as the measurement takes.

const { createServer, serve } = require('./common.js');

const server = createServer((req, res) => {
  res.end('Hello World\n');
});
server.keepAliveTimeout = 0;
serve(server);
