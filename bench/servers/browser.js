'use strict';

// Serves JSON to a page. The handler reads some header fields of the request, and replies with six fields.

const { createServer, serve } = require('./common.js');

const items = Array.from({ length: 16 }, (_, i) => ({ id: i, name: `item number ${i}`, price: 9.99 + i }));

serve(createServer((req, res) => {
  const { headers } = req;
  const body = JSON.stringify({
    user: headers.cookie.length,
    language: headers['accept-language'],
    items,
  });
  res.writeHead(200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Request-Id': '4f1c2f7e-9b1d',
    'X-Content-Type-Options': 'nosniff',
    Vary: 'Accept-Encoding',
  });
  res.end(body);
}));
