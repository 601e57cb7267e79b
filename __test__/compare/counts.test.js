'use strict';

// server.clientErrorCounts(), which node:http does not have. It must be exact, whether Rust or JavaScript has refused.

const assert = require('node:assert');
const { test } = require('node:test');
const { createServer } = require('../support/implementations.js').ours;
const { guarded } = require('../support/harness.js');
const { Lane } = require('../support/lane.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
// Requests, and the code with which they are refused.
const REFUSED = [
  ['BAD', 'HPE_INVALID_METHOD'],
  [`GET / HTTP/1.1\r\nA: ${'x'.repeat(17000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  ['GET / HTTP/9.9\r\n\r\n', 'HPE_INVALID_VERSION'],
  [`${GET}BAD`, 'HPE_INVALID_METHOD'],
  [`${GET}GET / HTTP/1.1\r\nA B: c\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx', 'HPE_INVALID_CHUNK_SIZE'],
  [GET, null],
];

async function send(port, packet) {
  const lane = new Lane('');
  await lane.connect({ port, host: '127.0.0.1' });
  lane.send(packet);
  // A good request leaves the connection open, so the client ends it.
  lane.fin();
  await lane.untilEnd();
  lane.reset();
}

async function flood(port, connections, atOnce = 50) {
  const expected = { total: 0 };
  let next = 0;
  async function client() {
    while (next < connections) {
      const [packet, code] = REFUSED[next++ % REFUSED.length];
      await send(port, packet);
      if (code === null) continue;
      expected.total++;
      expected[code] = (expected[code] ?? 0) + 1;
    }
  }
  await Promise.all(Array.from({ length: atOnce }, client));
  return expected;
}

for (const [name, prepare] of [
  ['without a listener', () => {}],
  ['with a listener', (server) => server.on('clientError', (err, socket) => socket.destroy())],
  ['with a connection listener', (server) => server.on('connection', () => {})],
  ['with a listener that comes and goes', (server) => {
    const listener = (err, socket) => {
      server.removeListener('clientError', listener);
      setImmediate(() => server.on('clientError', listener));
      socket.destroy();
    };
    server.on('clientError', listener);
  }],
]) {
  test(`clientErrorCounts: exact under load, ${name}`, async () => {
    const server = createServer((req, res) => res.end('x'));
    prepare(server);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    assert.deepStrictEqual({ ...server.clientErrorCounts() }, { total: 0 });
    const expected = await guarded(flood(server.address().port, 1400), name);
    assert.deepStrictEqual({ ...server.clientErrorCounts() }, expected);
    server.removeAllListeners('clientError');
    await new Promise((resolve) => server.close(resolve));
    assert.deepStrictEqual({ ...server.clientErrorCounts() }, expected);
  });
}

test('clientErrorCounts: resets, unfinished messages and timeouts are counted', async (t) => {
  const server = createServer({ connectionsCheckingInterval: 10 }, (req, res) => res.end('x'));
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await send(port, 'GET / HT');
  server.headersTimeout = 50;
  const silent = new Lane('');
  await silent.connect({ port, host: '127.0.0.1' });
  await guarded(silent.untilEnd(), 'a silent connection');
  silent.reset();
  const { total, HPE_INVALID_EOF_STATE, ERR_HTTP_REQUEST_TIMEOUT } = server.clientErrorCounts();
  assert.deepStrictEqual([total, HPE_INVALID_EOF_STATE, ERR_HTTP_REQUEST_TIMEOUT], [2, 1, 1]);
});

test('clientErrorCounts: an error that repeats is a refusal each time', async () => {
  const server = createServer();
  let seen = 0;
  server.on('clientError', () => seen++);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const lane = new Lane('');
  await lane.connect({ port: server.address().port, host: '127.0.0.1' });
  for (let n = 1; n <= 3; n++) {
    const event = new Promise((resolve) => server.once('clientError', resolve));
    lane.send('BAD');
    await guarded(event, 'clientError');
  }
  assert.deepStrictEqual({ ...server.clientErrorCounts() },
    { total: seen, HPE_INVALID_METHOD: seen });
  lane.reset();
  await new Promise((resolve) => server.close(resolve));
});
