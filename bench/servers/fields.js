'use strict';

// Makes the whole header object, however many fields there are.

const { createServer, serve } = require('./common.js');

serve(createServer((req, res) => {
  res.end(`${Object.keys(req.headers).length}\n`);
}));
