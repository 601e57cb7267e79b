'use strict';
// Timers that never fire replace Node's before the server is loaded.
const timers = require('node:timers');

for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearImmediate']) {
  globalThis[name] = timers[name] = () => ({ unref() {}, ref() {} });
}
const { http, get, talk } = require('./client.js');

const server = http.createServer({ keepAliveTimeout: 5 }, (req, res) => {
  if (req.url === '/') req.socket.on('finish', () => console.log('socket finish')).on('close', () => console.log('socket close'));
  process.nextTick(() => res.end('x'));
});
talk(server, get('/'), 'BAD\r\n\r\n', 'GET /idle HTTP/1.1\r\nHost: a\r\n\r\n');
