'use strict';

// Programs of several processes or threads, on node:http and on ferrohttp: what the primary hears, what clients read,
// and which worker has answered.

const assert = require('node:assert');
const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { Program } = require('./program.js');

const [major, minor] = process.versions.node.split('.').map(Number);
const counted = (implementation) => implementation.createServer !== http.createServer;

function request(port, options) {
  return new Promise((resolve, reject) => {
    const req = http.request({ port, host: '127.0.0.1', agent: false, ...options }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (text) => (body += text)).on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode, worker: Number(res.headers.worker), body }));
    });
    req.on('error', reject).end();
  });
}

/** Everything that comes back for the bytes until the server ends the connection. */
async function exchange(port, bytes) {
  const socket = net.connect(port, '127.0.0.1').setEncoding('latin1');
  socket.write(bytes);
  let read = '';
  for await (const text of socket) read += text;
  return read.replace(/^Date: .*\r\n/m, '');
}

async function refusedConnect(port) {
  const [err] = await once(net.connect(port, '127.0.0.1'), 'error');
  return err.code;
}

for (const implementation of [node, ours]) {
  for (const policy of ['rr', 'none']) {
    test(`${implementation.name}, ${policy}: two workers share port 0 until both are disconnected`, async (t) => {
      const program = new Program(t, 'serve', implementation, policy);
      const workers = [await program.fork(), await program.fork()];
      const { port } = workers[0];
      assert.ok(port > 0);
      assert.strictEqual(workers[1].port, port);

      const answers = [];
      for (let i = 0; i < 6; i++) answers.push(await request(port, { path: `/${i}` }));
      assert.deepStrictEqual(answers.map(({ body }) => body), [0, 1, 2, 3, 4, 5].map((i) => `GET /${i}`));
      if (policy === 'rr') {
        for (const { id } of workers) assert.strictEqual(answers.filter(({ worker }) => worker === id).length, 3);
      }

      // The idle connection does not keep its worker alive.
      const agent = new http.Agent({ keepAlive: true });
      t.after(() => agent.destroy());
      const { worker: first } = await request(port, { agent });
      const second = workers.find(({ id }) => id !== first).id;
      program.order('disconnect', { id: first });
      await program.told('disconnect', first);
      const { code, signal } = await program.told('exit', first);
      assert.deepStrictEqual({ code, signal }, { code: 0, signal: null });
      for (let i = 0; i < 3; i++) assert.strictEqual((await request(port)).worker, second);

      program.order('disconnect', { id: second });
      assert.strictEqual((await program.told('exit', second)).code, 0);
      assert.strictEqual(await refusedConnect(port), 'ECONNREFUSED');
      await program.stop();
      assert.deepStrictEqual(program.output.split('\n').sort(), ['', 'closed 1', 'closed 2']);
    });
  }

  test(`${implementation.name}: a connection refused in a worker is answered and counted`, async (t) => {
    const program = new Program(t, 'refuse', implementation);
    const { port, id } = await program.fork();
    const canned = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';
    assert.strictEqual(await exchange(port, 'BAD / HTTP/1.1\r\n\r\n'), canned);
    assert.match(await exchange(port, `GET / HTTP/1.1\r\na: ${'a'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 431 /);
    assert.strictEqual((await request(port)).status, 200);
    program.order('tell worker', { id });
    const { counts } = await program.told('counts');
    const expected = { total: 2, HPE_INVALID_METHOD: 1, HPE_HEADER_OVERFLOW: 1 };
    if (counted(implementation)) assert.deepStrictEqual({ ...counts }, expected);
  });

  test(`${implementation.name}: sockets sent to a worker are served there`, async (t) => {
    const program = new Program(t, 'pass sockets', implementation);
    const { port } = await program.told('passing');
    assert.deepStrictEqual(await request(port, { path: '/passed' }), { status: 200, worker: 1, body: 'GET /passed' });
    const pair = await exchange(port, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    assert.deepStrictEqual(pair.match(/GET \/./g), ['GET /a', 'GET /b']);
    assert.match(await exchange(port, 'GET / HTTP/1.1\r\nHo st: a\r\n\r\n'), /^HTTP\/1.1 400 /);
    program.order('tell worker', { id: 1 });
    assert.deepStrictEqual((await program.told('events')).events, [
      'connection', 'request /passed',
      'connection', 'request /a', 'request /b',
      'connection', 'clientError HPE_INVALID_HEADER_TOKEN 18 28 true',
    ]);
  });

  const canShare = process.platform === 'linux' && (major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12));
  const skip = !canShare && 'reusePort needs Linux and Node 22.12 or later';
  test(`${implementation.name}: two threads listen on one port with reusePort`, { skip }, async (t) => {
    const program = new Program(t, 'share a port by threads', implementation);
    const { ports } = await program.told('shared');
    assert.strictEqual(ports[0], ports[1]);
    // The kernel chooses the thread by the client's port. It does not happen that 200 in a row go to one thread.
    const seen = new Set();
    for (let i = 0; i < 200 && seen.size < 2; i++) seen.add((await request(ports[0])).body);
    assert.strictEqual(seen.size, 2);
  });
}
