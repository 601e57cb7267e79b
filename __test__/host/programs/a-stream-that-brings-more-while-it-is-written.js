'use strict';
const { Duplex } = require('node:stream');
const { http } = require('./client.js');

const FIRST = {
  'answered at once': 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n',
  'answered later': 'GET /later HTTP/1.1\r\nHost: a\r\n\r\n',
  'answered before its body': 'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
};

const server = http.createServer((req, res) => {
  console.log('request', req.url);
  res.on('finish', () => console.log('finish', req.url)).on('close', () => {
    console.log('close', req.url);
    if (req.url === '/2') req.socket.push('GET /3 HTTP/1.1\r\nHost: a\r\n\r\n');
    if (req.url === '/3') next();
  });
  if (req.url === '/later') setImmediate(() => res.end('x'));
  else res.end('x');
});
server.on('clientError', (error) => console.log(error.code));

const names = Object.keys(FIRST);

function next() {
  const name = names.shift();
  if (name === undefined) {
    console.log('done');
    return;
  }
  console.log(name);
  let written = false;
  const stream = new Duplex({
    read() {},
    write(chunk, encoding, callback) {
      if (!written) {
        written = true;
        this.emit('data', Buffer.from('GET /2 HTTP/1.1\r\nHost: a\r\n\r\n'));
      }
      callback();
    },
  });
  server.emit('connection', stream);
  stream.push(FIRST[name]);
}
next();
