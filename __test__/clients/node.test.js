'use strict';

// Node's own clients, http.request and fetch, against the server, and the memory that a transfer takes.

const assert = require('node:assert');
const crypto = require('node:crypto');
const http = require('node:http');
const { after, before, test } = require('node:test');
const implementations = require('../support/implementations.js');
const { TransferServer } = require('../support/transfer.js');

const GIB = 2 ** 30;
const MOST_RSS_MIB = 150;
let server;

before(async () => { server = await TransferServer.start(); });
after(() => server.stop());

function request(url, options, body) {
  return new Promise((resolve, reject) => {
    const req = http.request(url, options, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text }));
    });
    req.on('error', reject).end(body);
  });
}

test('http.request: an agent keeps its connection', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set();
  for (let n = 0; n < 20; n++) {
    const { text } = await request(server.url('/'), { agent });
    ports.add(text.split(' ')[2]);
  }
  agent.destroy();
  assert.strictEqual(ports.size, 1);
});

test('http.request: 200 at once', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 25 });
  const replies = await Promise.all(Array.from({ length: 200 }, () =>
    request(server.url('/upload'), { agent, method: 'POST' }, 'x'.repeat(5000))));
  agent.destroy();
  assert.ok(replies.every(({ status, text }) => status === 200 && text.startsWith('5000 ')));
});

test('http.request: Expect: 100-continue', async () => {
  const text = await new Promise((resolve, reject) => {
    const req = http.request(server.url('/upload'), {
      method: 'POST', headers: { 'Expect': '100-continue', 'Content-Length': 5 },
    });
    req.on('continue', () => req.end('hello'));
    req.on('response', (res) => res.setEncoding('utf8').on('data', resolve));
    req.on('error', reject).flushHeaders();
  });
  assert.match(text, /^5 /);
});

test('fetch: a stream up and its text down', async () => {
  const hash = crypto.createHash('sha256');
  async function* body() {
    for (let n = 0; n < 50; n++) {
      const chunk = Buffer.alloc(10_000, n);
      hash.update(chunk);
      yield chunk;
    }
  }
  const reply = await fetch(server.url('/upload'), { method: 'PUT', body: body(), duplex: 'half' });
  assert.strictEqual(await reply.text(), `500000 ${hash.digest('hex')}\n`);
});

test('fetch: an aborted download leaves the server well', async () => {
  const reply = await fetch(server.url(`/download?size=${GIB}`));
  const reader = reply.body.getReader();
  await reader.read();
  await reader.cancel();
  assert.strictEqual((await fetch(server.url('/'))).status, 200);
});

/** Runs a transfer of 1 GiB against a server process, and returns the highest RSS of that process. */
async function transferred(transfer, implementation) {
  const fresh = await TransferServer.start(implementation);
  try {
    await transfer(fresh);
    return await fresh.highestRss();
  } finally {
    await fresh.stop();
  }
}

/**
 * A transfer may take little memory, or little more than with node:http, because the memory depends on allocator and
 * machine.
 */
async function takesLittleMemory(t, transfer) {
  const rss = await transferred(transfer, implementations.ours);
  t.diagnostic(`highest RSS ${rss} MiB`);
  if (rss < MOST_RSS_MIB) return;
  const nodes = await transferred(transfer, implementations.node);
  assert.ok(rss < 1.25 * nodes, `${rss} MiB, node:http ${nodes} MiB`);
}

test('1 GiB up to a slow reader takes little memory', (t) => {
  const block = Buffer.alloc(2 ** 20, 'x');
  return takesLittleMemory(t, async (fresh) => {
    const hash = crypto.createHash('sha256');
    const text = await new Promise((resolve, reject) => {
      const req = http.request(fresh.url('/upload?slow'), { method: 'POST' }, (res) => {
        res.setEncoding('utf8').on('data', resolve);
      });
      req.on('error', reject);
      let left = GIB / block.length;
      (function more() {
        while (left-- > 0) {
          hash.update(block);
          if (!req.write(block)) return req.once('drain', more);
        }
        req.end();
      })();
    });
    assert.strictEqual(text, `${GIB} ${hash.digest('hex')}\n`);
  });
});

test('1 GiB down to a slow reader takes little memory', (t) => {
  return takesLittleMemory(t, async (fresh) => {
    const hash = crypto.createHash('sha256');
    const sum = await new Promise((resolve, reject) => {
      http.get(fresh.url(`/download?size=${GIB}`), (res) => {
        let size = 0;
        res.on('data', (chunk) => {
          size += chunk.length;
          hash.update(chunk);
          if (size % 16 === 0) {
            res.pause();
            setImmediate(() => res.resume());
          }
        });
        res.on('end', () => resolve([size, res.trailers['x-sha256']]));
      }).on('error', reject);
    });
    assert.deepStrictEqual(sum, [GIB, hash.digest('hex')]);
  });
});
