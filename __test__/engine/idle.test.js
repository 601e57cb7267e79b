'use strict';

// How long a kept connection may be idle. The timer is reused for each request (lib/connection/idle-timer.js), which
// must not be visible. All bounds are lower bounds, because a slow machine only adds to the time.

const assert = require('node:assert');
const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const ferrohttp = require('../..');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const KEPT = 1000; // what Node 20 adds to keepAliveTimeout, and the keepAliveTimeoutBuffer of newer releases

/** The milliseconds from the last action of `talk` to the close by the server. */
async function lasted(implementation, talk) {
  const server = implementation.createServer({ keepAliveTimeout: 1, keepAliveTimeoutBuffer: KEPT }, (req, res) => {
    HANDLERS[req.url]?.(req);
    res.end('x');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  const closed = once(client, 'close');
  await once(client, 'connect');
  try {
    const last = await talk(client);
    await closed;
    return performance.now() - last;
  } finally {
    server.close();
  }
}

async function ask(client, bytes = GET) {
  client.write(bytes);
  const [chunk] = await Promise.race([once(client, 'data'), once(client, 'close')]);
  assert.ok(chunk instanceof Buffer, 'closed in between');
}

const HANDLERS = {
  '/blocks'() {
    const end = performance.now() + KEPT / 2;
    while (performance.now() < end);
  },
  '/untimed'(req) {
    req.socket.setTimeout(0);
  },
  '/unread'(req) {
    req.resume();
  },
};

const TALKS = {
  'after several requests in one of which the timer would have ended': async (client) => {
    await ask(client);
    for (let i = 0; i < 3; i++) {
      await sleep(KEPT / 2);
      await ask(client);
    }
    return performance.now();
  },
  'after pipelined requests': async (client) => {
    await ask(client);
    await sleep(KEPT / 2);
    await ask(client, GET + GET);
    return performance.now();
  },
  'after the first bytes of a further head': async (client) => {
    await ask(client);
    await sleep(KEPT / 2);
    client.write('GET / HT');
    return performance.now();
  },
  'after a handler that blocked': async (client) => {
    await ask(client);
    await ask(client);
    await ask(client, GET.replace('/', '/blocks'));
    return performance.now();
  },
  'after its socket was told to wait for ever': async (client) => {
    await ask(client);
    await ask(client, GET.replace('/', '/untimed'));
    return performance.now();
  },
  'after the last of a body that was answered early': async (client) => {
    await ask(client);
    await ask(client, 'POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n');
    for (const byte of 'body') {
      await sleep(KEPT / 2);
      assert.ok(client.writable && !client.readableEnded, 'closed in between');
      client.write(byte);
    }
    return performance.now();
  },
};

for (const [name, talk] of Object.entries(TALKS)) {
  for (const [label, implementation] of Object.entries({ 'node:http': http, ferrohttp })) {
    test(`a connection may be idle for its whole time, ${name} (${label})`, async () => {
      const time = await lasted(implementation, talk);
      // The client's clock begins later than the server's, on a busy machine by much. A timer that was not renewed
      // would have ended before half of the time.
      assert.ok(time >= KEPT * 0.75, `closed after ${time} ms`);
    });
  }
}
