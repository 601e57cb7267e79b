'use strict';
const nodes = require('node:http');
const { http, get, talk } = require('./client.js');

for (const name of ['end', 'write', 'writeHead', 'setHeader', 'assignSocket', 'detachSocket', '_send']) {
  const replaced = nodes.ServerResponse.prototype[name];
  nodes.ServerResponse.prototype[name] = function (...args) {
    console.log(name);
    return Reflect.apply(replaced, this, args);
  };
}
const server = http.createServer((req, res) => {
  res.setHeader('A', 'b');
  if (req.url === '/written') res.write('x');
  res.end('y');
});
talk(server, get('/'), get('/written'));
