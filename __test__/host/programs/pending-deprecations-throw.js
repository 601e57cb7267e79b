'use strict';
// flags: --pending-deprecation --throw-deprecation
const { http, get, talk } = require('./client.js');

process.on('warning', (warning) => console.log(warning.code));
const server = http.createServer((req, res) => {
  process.nextTick(() => console.log('tick'));
  Promise.resolve().then(() => console.log('microtask'));
  res.end('x');
});
talk(server, get('/'), 'BAD\r\n\r\n');
