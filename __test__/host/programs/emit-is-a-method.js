'use strict';
const { http, get, talk } = require('./client.js');

// Some instrumentation looks at the property before it wraps it.
let owner = http.Server.prototype;
while (!Object.hasOwn(owner, 'emit')) owner = Object.getPrototypeOf(owner);
const descriptor = Object.getOwnPropertyDescriptor(owner, 'emit');
console.log('value' in descriptor, descriptor.writable);
const wrap = () => Object.defineProperty(http.Server.prototype, 'emit', {
  ...descriptor,
  value(event, ...args) {
    if (event === 'request') console.log('traced', args[0].url);
    if (event === 'clientError') console.log('traced', args[0].code);
    return descriptor.value.call(this, event, ...args);
  },
});
const server = http.createServer((req, res) => res.end('x'));
server.on('request', (req) => { if (req.url === '/wrap') wrap(); });
talk(server, get('/before'), get('/wrap'), 'BAD\r\n\r\n', get('/after'), 'BAD\r\n\r\n');
