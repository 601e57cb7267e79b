'use strict';

// What servers offer: refusals(), refusalStats(), the channel, the log, the option and its environment
// variable. Nothing changes for programs that do not use them.

const assert = require('node:assert');
const { once } = require('node:events');
const dc = require('node:diagnostics_channel');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { Duplex } = require('node:stream');
const tls = require('node:tls');
const { describe, it } = require('node:test');
const ferrohttp = require('../../index.js');
const ferrohttps = require('../../entry/https.js');
const engine = require('../../lib/engine');
const { explain, refuse } = require('../../lib/observe/index.js');
const { line } = require('../../lib/refusals/log.js');
const { ROOT, succeed } = require('../package/helpers.js');
const { start } = require('./support.js');

const BAD = 'GET /a HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n';
const HELLO = '\x16\x03\x01\0\x05\x01\0\0\x01\0';

async function send(server, bytes) {
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  client.end(bytes, 'latin1');
  let reply = '';
  client.setEncoding('latin1').on('data', (text) => { reply += text; });
  await once(client, 'close');
  return reply;
}

describe('refusals()', () => {
  it('tells what, where, who and why', async (t) => {
    const server = await start(t);
    await send(server, BAD);
    const [refusal] = server.refusals();
    assert.strictEqual(refusal.seq, 1);
    assert.strictEqual(refusal.code, 'HPE_INVALID_HEADER_TOKEN');
    assert.strictEqual(refusal.status, 400);
    assert.deepStrictEqual(refusal.request, { method: 'GET', target: '/a', host: 'a', fields: 1, bodyReceived: 0 });
    assert.deepStrictEqual(refusal.at, { packet: 29, message: 29, connection: 29, byte: 32, field: 'Bad', part: 'field-name', index: 3 });
    assert.strictEqual(refusal.hint.id, 'space-in-name');
    assert.ok(Buffer.isBuffer(refusal.excerpt.bytes));
    assert.strictEqual(refusal.excerpt.bytes.toString('latin1', 0, 25), BAD.slice(0, 25));
    assert.strictEqual(refusal.repeat, false);
  });

  it('filters', async (t) => {
    const server = await start(t);
    await send(server, BAD);
    await send(server, HELLO);
    const seqs = (filter) => server.refusals(filter).map(({ seq }) => seq);
    assert.deepStrictEqual(seqs(), [1, 2]);
    assert.deepStrictEqual(seqs({ after: 1 }), [2]);
    assert.deepStrictEqual(seqs({ hint: 'tls-hello' }), [2]);
    assert.deepStrictEqual(seqs({ code: 'HPE_INVALID_HEADER_TOKEN' }), [1]);
    assert.deepStrictEqual(seqs({ peer: '127.0.0.1' }), [1, 2]);
    assert.deepStrictEqual(seqs({ peer: '192.0.2.1' }), []);
    assert.throws(() => server.refusals({ nonsense: 1 }), { code: 'ERR_INVALID_ARG_VALUE' });
    assert.throws(() => server.refusals(null), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('has what a connection did before, and further events of the same error', async (t) => {
    const server = await start(t, {}, (req, res) => res.end());
    const errors = [];
    server.on('clientError', (error, socket) => {
      errors.push(error);
      if (errors.length === 2) socket.destroy();
      else socket.write('again');
    });
    const client = net.connect(server.address().port, '127.0.0.1');
    client.on('error', () => {});
    client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcdef');
    client.on('data', (data) => { if (data.includes('again')) client.write('more'); });
    await once(client, 'close');
    const [first, second] = server.refusals();
    assert.deepStrictEqual(first.previous, { method: 'POST', contentLength: 3 });
    assert.strictEqual(first.connection.requests, 1);
    assert.strictEqual(first.hint.id, 'beyond-length');
    assert.strictEqual(first.outcome, 'listener');
    assert.strictEqual(second.repeat, true);
    assert.strictEqual(second.code, first.code);
    assert.ok(!('excerpt' in second));
    assert.strictEqual(explain(errors[0]).refusal.seq, 1);
  });

  it('has FIN, resets and timeouts, with what was awaited', async (t) => {
    const server = await start(t, { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 50 });
    await send(server, 'GET / HTTP/1.1\r\nCook');
    const reset = net.connect(server.address().port, '127.0.0.1');
    reset.on('error', () => {});
    reset.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\n\r\nhello', () => {});
    await once(server, 'request');
    reset.resetAndDestroy();
    while (server.refusalStats().total < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const slow = net.connect(server.address().port, '127.0.0.1');
    slow.write('GET / HT');
    await once(slow.resume(), 'close');
    const [fin, broken, late] = server.refusals();
    assert.deepStrictEqual([fin.code, fin.awaited, fin.hint.id], ['HPE_INVALID_EOF_STATE', 'rest of field Cook', 'fin-in-head']);
    assert.deepStrictEqual([broken.code, broken.awaited, broken.hint.id], ['ECONNRESET', '295 of 300 body bytes', 'reset-in-body']);
    if (engine.supported) assert.strictEqual(broken.peer.address, '127.0.0.1');
    assert.deepStrictEqual([late.code, late.awaited, late.hint.id],
      ['ERR_HTTP_REQUEST_TIMEOUT', 'rest of the request line', 'timeout-in-head']);
    assert.strictEqual(late.limit.name, 'headersTimeout');
    assert.strictEqual(late.limit.value, 100);
    assert.ok(late.limit.seen >= 100);
  });

  it('is the same for new connections that JavaScript sees', async (t) => {
    const kept = [];
    for (const eager of [false, true]) {
      const server = await start(t);
      if (eager) server.on('connection', () => {});
      for (const bytes of [BAD, HELLO, 'GET / HTTP/1.1\r\nCook']) await send(server, bytes);
      while (server.refusalStats().total < 3) await new Promise((resolve) => setTimeout(resolve, 5));
      kept.push(server.refusals().map(({ time, peer, local, connection, ...rest }) => ({ ...rest, bytes: connection.bytesRead })));
    }
    assert.deepStrictEqual(kept[1], kept[0]);
  });

  it('has connections that were given to the server', async (t) => {
    const server = ferrohttp.createServer();
    const sent = [];
    const duplex = new Duplex({ read() {}, write(chunk, _, done) { sent.push(chunk); done(); } });
    server.emit('connection', duplex);
    duplex.push(Buffer.from(BAD));
    duplex.on('error', () => {});
    await new Promise((resolve) => duplex.on('close', resolve));
    const [refusal] = server.refusals();
    assert.strictEqual(refusal.at.field, 'Bad');
    assert.strictEqual(refusal.outcome, 'reply');
    assert.ok(!('peer' in refusal));
    assert.match(String(sent[0]), /^HTTP\/1.1 400 /);
  });

  it('has those of https', async (t) => {
    const fixture = (name) => fs.readFileSync(path.join(ROOT, '__test__/frameworks/fixtures', `test-only-localhost.${name}.pem`));
    const server = ferrohttps.createServer({ key: fixture('key'), cert: fixture('cert') });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const client = tls.connect({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false });
    client.on('error', () => {});
    client.write(BAD);
    await once(client.resume(), 'close');
    const [refusal] = server.refusals();
    assert.deepStrictEqual([refusal.at.field, refusal.status, refusal.peer.address], ['Bad', 400, '127.0.0.1']);
    assert.strictEqual(server.refusalStats().total, 1);
    const plain = net.connect(server.address().port, '127.0.0.1');
    plain.on('error', () => {});
    plain.write('GET / HTTP/1.1\r\n\r\n');
    await once(server, 'tlsClientError');
    assert.deepStrictEqual(server.refusalStats().handshakes, { failed: 1, plainHttp: 1 });
    assert.strictEqual(server.refusalStats().total, 1);
    assert.strictEqual(server.listenerCount('tlsClientError'), 1);
  });

  it('has those that the program leaves to another server', async (t) => {
    const first = await start(t);
    const second = await start(t);
    second.on('clientError', (error, socket) => socket.end());
    first.on('connection', (socket) => { socket.server = second; });
    await send(first, BAD);
    assert.deepStrictEqual([first, second].map((server) => server.refusalStats().total), [0, 1]);
    assert.deepStrictEqual([first, second].map((server) => server.clientErrorCounts().total), [0, 1]);
    assert.deepStrictEqual(second.refusals().map(({ at, outcome }) => [at.field, outcome]), [['Bad', 'listener']]);
  });

  it('keeps the code of a program', async (t) => {
    const server = await start(t, {}, (req) => req.destroy(Object.assign(new Error('mine'), { code: 'ERR_MINE' })));
    await send(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.deepStrictEqual(server.refusals().map(({ code }) => code), ['ERR_MINE']);
    assert.deepStrictEqual(server.refusalStats().kinds.map(({ code }) => code), ['OTHER']);
    assert.strictEqual(server.clientErrorCounts().ERR_MINE, 1);
  });
});

describe('refusalStats()', () => {
  it('counts kinds, peers, dropped and silent connections', async (t) => {
    const server = await start(t);
    for (const bytes of [BAD, HELLO, HELLO, '']) await send(server, bytes);
    while (server.refusalStats().silent < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    server.maxConnections = 0;
    if (Number(process.versions.node.split('.')[0]) < 22) server.maxConnections = 1;
    const first = net.connect(server.address().port, '127.0.0.1');
    await once(first, 'connect');
    const second = net.connect(server.address().port, '127.0.0.1');
    second.on('error', () => {});
    await once(second.resume(), 'close');
    const stats = server.refusalStats();
    first.destroy();
    const { dropped } = stats;
    assert.ok(dropped >= 1);
    assert.deepStrictEqual([stats.total, stats.silent, stats.others, stats.skipped], [3 + dropped, 1, 0, 0]);
    assert.deepStrictEqual(stats.kinds, [
      { code: 'HPE_INVALID_HEADER_TOKEN', reason: 'Invalid header token', hint: 'space-in-name', count: 1 },
      { code: 'HPE_INVALID_METHOD', reason: 'Invalid method encountered', hint: 'tls-hello', count: 2 },
      { code: 'DROPPED', hint: 'max-connections', count: dropped },
    ]);
    assert.deepStrictEqual(stats.peers, [{ address: '127.0.0.1', count: 3 + dropped, error: 0 }]);
  });
});

describe('the channel ferrohttp.server.refusals', () => {
  it('tells batches, ten a second at most, and exactly how many are missing', async (t) => {
    const server = await start(t);
    const messages = [];
    const subscriber = (message) => messages.push({ ...message, when: Date.now() });
    dc.subscribe('ferrohttp.server.refusals', subscriber);
    t.after(() => dc.unsubscribe('ferrohttp.server.refusals', subscriber));
    const begin = Date.now();
    for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 50 }, () => send(server, HELLO)));
    const told = () => messages.reduce((sum, { refusals, lost }) => sum + refusals.length + lost, 0);
    while (told() < 500) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.strictEqual(told(), 500);
    assert.ok(messages.every((message) => message.server === server));
    assert.ok(messages.length <= (Date.now() - begin) / 100 + 1, `${messages.length} in ${Date.now() - begin} ms`);
    const seqs = messages.flatMap(({ refusals }) => refusals.map(({ seq }) => seq));
    assert.deepStrictEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b));
    // New connections are still refused without JavaScript.
    assert.strictEqual(server.listenerCount('clientError'), 0);
  });

  it('tells nothing of what was before the subscription', async (t) => {
    const server = await start(t);
    await send(server, BAD);
    const message = new Promise((resolve) => {
      const subscriber = (told) => { dc.unsubscribe('ferrohttp.server.refusals', subscriber); resolve(told); };
      dc.subscribe('ferrohttp.server.refusals', subscriber);
    });
    await send(server, HELLO);
    const { refusals, lost } = await message;
    assert.deepStrictEqual([refusals.map(({ seq }) => seq), lost], [[2], 0]);
  });
});

describe('the option refusals', () => {
  it('is checked', () => {
    const make = (refusals) => () => ferrohttp.createServer({ refusals });
    for (const bad of [1, null, 'x', [], { keep: '1' }, { redact: 1 }, { redact: { fields: 'a' } }, { redact: { query: 1 } }, { log: 1 },
      { linger: '1' }, { native: 1 }]) {
      assert.throws(make(bad), { code: 'ERR_INVALID_ARG_TYPE', name: 'TypeError' }, JSON.stringify(bad));
    }
    for (const bad of [{ nonsense: 1 }, { keep: -1 }, { keep: 65 }, { keep: 1.5 }, { excerpt: 257 }, { linger: 60_001 }, { redact: { x: 1 } }]) {
      assert.throws(make(bad), { code: 'ERR_INVALID_ARG_VALUE', name: 'TypeError' }, JSON.stringify(bad));
    }
    for (const good of [undefined, {}, { keep: 0 }, { excerpt: 0, redact: {} }, { log: null }]) make(good)();
  });

  it('sets how many are kept, how much of them, and what is hidden', async (t) => {
    const server = await start(t, { refusals: { keep: 2, excerpt: 10, redact: { fields: ['X-Mine'], query: true } } });
    for (let i = 0; i < 5; i++) await send(server, BAD);
    // The first of the kind, and the last two.
    assert.deepStrictEqual(server.refusals().map(({ seq }) => seq), [1, 4, 5]);
    assert.strictEqual(server.refusals()[0].excerpt.bytes.length, 10);
    await send(server, 'GET /?a=secret HTTP/1.1\r\n\x01: x\r\n\r\n');
    const [refusal] = server.refusals({ after: 5 });
    assert.strictEqual(refusal.request.target, '/?a=******');
    const none = await start(t, { refusals: { keep: 0 } });
    await send(none, BAD);
    assert.deepStrictEqual([none.refusals(), none.refusalStats().total, none.refusalStats().kinds[0].hint], [[], 1, 'space-in-name']);
  });

  it('may log the first of each kind', async (t) => {
    const entries = [];
    const server = await start(t, { refusals: { log: (entry) => entries.push(entry) } });
    for (const bytes of [BAD, BAD, HELLO]) await send(server, bytes);
    while (entries.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepStrictEqual(entries.map(({ event, refusal }) => [event, refusal.hint.id]),
      [['first', 'space-in-name'], ['first', 'tls-hello']]);
  });

  it('logs plain ASCII, whatever was sent', async (t) => {
    const server = await start(t);
    const hostile = '<script>\x1b[31m\x9b\xe2\x80\xae\r\nforged';
    await send(server, `GET /${hostile} HTTP/1.1\r\n\r\n`);
    await send(server, `SSH-${hostile}\r\n`);
    for (const refusal of server.refusals()) {
      assert.match(line({ event: 'first', refusal: { ...refusal, code: `${refusal.code}${hostile}` } }), /^[\x20-\x7e]+$/);
    }
    const { kinds, peers } = server.refusalStats();
    assert.match(line({ event: 'summary', ms: 60000, count: 2, kinds, peers }), /^ferrohttp: 2 refused in the last 60 s: 1 HPE_[\x20-\x7e]+$/);
  });

  it('may come from the environment', async () => {
    const program = `
      const net = require('node:net');
      const server = require('ferrohttp').createServer().listen(0, () => {
        net.connect(server.address().port).end('GARBAGE / HTTP/1.1\\r\\n\\r\\n').resume().on('close', () => {
          console.log(server.refusals().length, server.refusalStats().total);
          server.close();
        });
      });`;
    const run = (value) => succeed(process.execPath, ['-e', program], { env: { FERROHTTP_REFUSALS: value } });
    assert.strictEqual(await run('{"keep":0}'), '0 1\n');
    assert.strictEqual(await run('{"nonsense":0}'), '1 1\n');
    assert.strictEqual(await run(''), '1 1\n');
  });
});

describe('replies', () => {
  const REPLIES = {
    HPE_HEADER_OVERFLOW: { status: 431, headers: { 'Content-Type': 'application/json' }, body: '{"error":"{code}","field":"{field}","id":{id}}' },
    ERR_HTTP_REQUEST_TIMEOUT: { status: 408, body: 'too slow' },
    default: { status: 400, headers: { 'Content-Type': 'text/html', 'X-A': 'b' }, body: '<p>{reason} {field}' },
  };

  const parse = (reply) => {
    const [head, body] = reply.split('\r\n\r\n');
    const [line, ...fields] = head.split('\r\n');
    assert.ok(fields.includes(`Content-Length: ${body.length}`) && fields.includes('Connection: close'), reply);
    return [line, body];
  };

  for (const [name, prepare] of [
    ['natively', () => {}],
    ['by JavaScript', (server) => server.on('connection', () => {})],
    ['by a listener that calls refuse', (server) => server.on('clientError', refuse)],
  ]) {
    it(`are sent ${name}`, async (t) => {
      const server = await start(t, { refusals: { replies: REPLIES }, headersTimeout: 50, connectionsCheckingInterval: 30 });
      prepare(server);
      assert.deepStrictEqual(parse(await send(server, `GET / HTTP/1.1\r\nA"b: ${'a'.repeat(20000)}\r\n\r\n`)),
        ['HTTP/1.1 400 Bad Request', '<p>Invalid header token A']);
      assert.deepStrictEqual(parse(await send(server, `GET / HTTP/1.1\r\nA: ${'a'.repeat(20000)}\r\n\r\n`)),
        ['HTTP/1.1 431 Request Header Fields Too Large', '{"error":"HPE_HEADER_OVERFLOW","field":"A","id":2}']);
      const slow = net.connect(server.address().port, '127.0.0.1');
      let reply = '';
      slow.on('error', () => {}).on('data', (data) => { reply += data; }).write('GET');
      await once(slow, 'close');
      assert.deepStrictEqual(parse(reply), ['HTTP/1.1 408 Request Timeout', 'too slow']);
      assert.deepStrictEqual(server.refusals().map(({ status, outcome }) => [status, outcome]), [[400, 'reply'], [431, 'reply'], [408, 'reply']]);
    });
  }

  it('are checked', () => {
    const make = (reply) => () => ferrohttp.createServer({ refusals: { replies: { default: reply } } });
    for (const reply of [1, {}, { status: '400' }, { status: 400, body: 1 }, { status: 400, headers: 1 }]) {
      assert.throws(make(reply), { code: 'ERR_INVALID_ARG_TYPE' }, JSON.stringify(reply));
    }
    for (const reply of [{ status: 200 }, { status: 400, nonsense: 1 }, { status: 400, headers: { 'content-length': '1' } },
      { status: 400, body: 'x'.repeat(16384) }]) {
      assert.throws(make(reply), { code: 'ERR_INVALID_ARG_VALUE' }, JSON.stringify(reply).slice(0, 80));
    }
    assert.throws(make({ status: 400, headers: { 'a b': 'c' } }), { code: 'ERR_INVALID_HTTP_TOKEN' });
    assert.throws(make({ status: 400, headers: { a: 'c\r\nd: e' } }), { code: 'ERR_INVALID_CHAR' });
    assert.throws(() => ferrohttp.createServer({ refusals: { replies: { HPE_NONE: { status: 400 } } } }), { code: 'ERR_INVALID_ARG_VALUE' });
  });
});

describe('linger and native', { skip: engine.supported ? false : 'Node does the I/O' }, () => {
  for (const [name, prepare] of [['natively', () => {}], ['by JavaScript', (server) => server.on('connection', () => {})]]) {
    it(`linger lets a client that is still sending read the reply, sent ${name}`, async (t) => {
      const server = await start(t, { refusals: { linger: 10_000 } });
      prepare(server);
      const client = net.connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true });
      let reply = '';
      client.setEncoding('latin1').on('data', (text) => { reply += text; });
      const errors = [];
      const ended = new Promise((resolve) => client.on('end', resolve));
      client.on('error', (error) => errors.push(error.code));
      client.write('GARBAGE / HTTP/1.1\r\n\r\n');
      while (server.refusalStats().total === 0) await new Promise(setImmediate);
      // Without `linger`, the answer to this would be RST.
      for (let i = 0; i < 20; i++) {
        client.write('x'.repeat(10_000));
        await new Promise(setImmediate);
      }
      await ended;
      client.end();
      if (!client.closed) await new Promise((resolve) => client.on('close', resolve));
      assert.deepStrictEqual(errors, []);
      assert.match(reply, /^HTTP\/1.1 400 Bad Request\r\n/);
      // Nothing is left open.
      while (await new Promise((resolve) => server.getConnections((_, count) => resolve(count))) > 0) await new Promise(setImmediate);
    });
  }

  it('native refuses new connections without JavaScript although emit was replaced', async (t) => {
    const seen = [];
    for (const native of [false, true]) {
      const server = await start(t, { refusals: { native } }, (req, res) => res.end());
      const { emit } = server;
      server.emit = function (event, ...rest) {
        seen.push(`${native} ${event}`);
        return emit.call(this, event, ...rest);
      };
      await send(server, BAD);
      await send(server, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.strictEqual(server.refusalStats().total, 1);
    }
    assert.deepStrictEqual(seen, ['false connection', 'false clientError', 'false connection', 'false request',
      'true connection', 'true request']);
  });
});

describe('for those who do not look', () => {
  it('an error has the keys that Node gives it, and nobody was added to the server', async () => {
    const seen = [];
    for (const implementation of [http, ferrohttp]) {
      const server = implementation.createServer();
      const before = [server.eventNames(), server.listenerCount('clientError')];
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      server.on('clientError', (error, socket) => {
        seen.push([Reflect.ownKeys(error), Object.getPrototypeOf(error) === Error.prototype, error.message, ...before,
          Reflect.ownKeys(socket).filter((key) => typeof key === 'string' && /refus|seen|token/i.test(key))]);
        socket.destroy();
      });
      await send(server, BAD);
      server.close();
    }
    assert.deepStrictEqual(seen[1], seen[0]);
  });

  it('the reply is the same, observed or not', async (t) => {
    const plain = await start(t, { refusals: { keep: 0 } });
    const observed = await start(t, { refusals: { log: () => {} } });
    for (const bytes of [BAD, HELLO, 'GET / HTTP/1.1\r\nA: ' + 'a'.repeat(20000) + '\r\n\r\n']) {
      assert.strictEqual(await send(observed, bytes), await send(plain, bytes));
    }
  });
});
