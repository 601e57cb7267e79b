'use strict';

// Deliveries of several connections use the same memory one after the other (lib/delivery). What one leaves there must
// not reach the next.

const assert = require('node:assert');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');
const ferrohttp = require('../..');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** What a connection does so that the memory has a record of that kind. */
const BEFORE = {
  'a refusal': async (client) => {
    client.write('BAD\r\n\r\n');
    await once(client, 'data');
  },
  'a request': async (client) => {
    client.write(GET);
    await once(client, 'data');
  },
  'a body': async (client) => {
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n');
    client.write('body');
    await once(client, 'data');
  },
  'the end of a connection': async (client) => {
    client.resume().end(GET);
    await once(client, 'close');
  },
};

for (const [name, act] of Object.entries(BEFORE)) {
  test(`a packet that completes nothing is only that, after ${name} on another connection`, async (t) => {
    let socket; // of the first request
    const server = ferrohttp.createServer((req, res) => {
      socket ??= req.socket;
      req.resume();
      res.end('x');
    });
    const errors = [];
    server.on('clientError', (error, socket) => {
      errors.push(error.code);
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const connect = async () => {
      const client = net.connect(server.address().port, '127.0.0.1');
      await once(client, 'connect');
      return client;
    };
    const patient = await connect();
    patient.write(GET);
    await once(patient, 'data');
    const other = await connect();
    await act(other);
    const seen = errors.length;

    patient.write(GET.slice(0, 9));
    while (socket.bytesRead < GET.length + 9) await new Promise(setImmediate);
    patient.write(GET.slice(9));
    const [answer] = await once(patient, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 200 OK/);
    assert.strictEqual(errors.length, seen);
    patient.destroy();
    other.destroy();
  });
}

test('the numbers of a first packet that do not fit follow those of a connection that was only accepted', async (t) => {
  const LINES = 8300; // 2 numbers each
  const server = ferrohttp.createServer({ maxHeaderSize: 65536 }, (req, res) => res.end(String(req.rawHeaders.length / 2)));
  server.maxHeadersCount = 0;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const accepted = once(server, 'connection'); // this makes JavaScript hear of each connection when it is accepted
  const silent = net.connect(server.address().port, '127.0.0.1');
  await accepted;

  const client = net.connect(server.address().port, '127.0.0.1');
  client.end(`GET / HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(LINES)}\r\n`);
  let answer = '';
  for await (const chunk of client) answer += chunk;
  assert.strictEqual(answer.split('\r\n\r\n')[1], String(LINES + 1));
  silent.destroy();
});
