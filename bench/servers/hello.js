'use strict';

const { createServer, serve } = require('./common.js');

serve(createServer((req, res) => {
  res.end('Hello World\n');
}));
