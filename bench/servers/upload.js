'use strict';

const { createServer, serve } = require('./common.js');

serve(createServer((req, res) => {
  let bytes = 0;
  req.on('data', (chunk) => { bytes += chunk.length; });
  req.on('end', () => res.end(`${bytes}\n`));
}));
