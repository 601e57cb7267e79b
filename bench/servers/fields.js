'use strict';

// Reads all header fields of the request.

const { createServer, serve } = require('./common.js');

serve(createServer((req, res) => {
  res.end(`${Object.keys(req.headers).length}\n`);
}));
