'use strict';

// Behind a load balancer that speaks the PROXY protocol, version 1: a line before the first request tells the client's
// address. HTTP servers refuse it, this one as node:http, so a server of TCP reads it first and passes the socket on.

const net = require('node:net');
const { createServer } = require('ferrohttp');

const kClient = Symbol('client');
const MOST = 107; // bytes of the line, by the protocol

const server = createServer((req, res) => res.end(`hello ${req.socket[kClient]}\n`));

// In a worker or container that nobody else can reach: whoever connects is believed.
const front = net.createServer((socket) => {
  let head = Buffer.alloc(0);
  socket.setTimeout(5_000, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('readable', function read() {
    for (let chunk; (chunk = socket.read()) !== null;) {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n');
      const line = head.toString('latin1', 0, end);
      const found = /^PROXY TCP[46] (\S+) \S+ \d+ \d+$/.exec(line);
      if (end === -1 && head.length < MOST) continue;
      if (found === null) return socket.destroy();
      socket.removeListener('readable', read);
      socket.setTimeout(0);
      [, socket[kClient]] = found;
      socket.unshift(head.subarray(end + 2));
      return server.emit('connection', socket);
    }
  });
});

front.listen(process.env.PORT ?? 8000, () => console.log(`port ${front.address().port}`));
