'use strict';
// flags: --expose-gc
const net = require('node:net');
const { http } = require('./client.js');

const REQUESTS = 2000;
const kept = [];
const server = http.createServer((req, res) => {
  kept.push(req.headers['x-session-id'], req.url, req.rawHeaders[4]);
  res.end();
});
server.listen(0, '127.0.0.1', () => {
  const client = net.connect(server.address().port, '127.0.0.1');
  let sent = 0;
  const send = () => client.write(`GET /item/number/${sent} HTTP/1.1\r\nHost: a\r\nCookie: c=${'y'.repeat(6000)}\r\n` +
    `X-A-Name-That-Is-Long: a\r\nX-Session-Id: session-${String(sent++).padStart(24, '0')}\r\n\r\n`);
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  client.on('data', () => {
    if (sent < REQUESTS) {
      send();
      return;
    }
    globalThis.gc();
    const each = (process.memoryUsage().heapUsed - before) / REQUESTS;
    console.log(kept.length, each < 1000 || each);
    client.destroy();
    server.close(() => console.log('done'));
  });
  send();
});
