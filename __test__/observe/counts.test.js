'use strict';

// What is counted besides refusals, and the hints that depend on how a connection ended. For each there
// is a connection that causes it, and similar ones that do not.

const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { after, before, describe, it } = require('node:test');
const ferrohttp = require('../../index.js');
const engine = require('../../lib/engine');
const { explain } = require('../../lib/observe/index.js');
const support = require('./support.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const HALF_HEAD = 'GET / HTTP/1.1\r\nHost';
const HALF_BODY = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello';

const answer = (req, res) => { req.resume().on('end', () => res.end('hello')); };

const start = (t, options, listener = answer) => support.start(t, options, listener);

function connect(server) {
  const client = net.connect(server.address().port, '127.0.0.1');
  return client.on('error', () => {});
}

/** Waits for an effect of a turn of the engine's threads. */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Resolves at the end, even after an error. */
function closed(stream) {
  return stream.closed ? undefined : new Promise((resolve) => stream.on('close', resolve));
}

/** A connection that has had a response, and the server's socket of it. */
async function answered(server, request = GET) {
  const accepted = once(server, 'connection');
  const client = connect(server);
  client.write(request);
  const [socket] = await accepted;
  await once(client, 'data');
  return { client: client.resume(), socket };
}

describe('how a connection ended gives a hint', () => {
  // The bytes before the end, which of two timeouts is short, and the hints of a timeout and of a reset.
  const ROWS = [
    ['nothing', '', 'headersTimeout', 'timeout-silent', 'reset-silent'],
    ['half a head', HALF_HEAD, 'headersTimeout', 'timeout-in-head', 'reset-in-head'],
    ['half a body', HALF_BODY, 'requestTimeout', 'timeout-in-body', 'reset-in-body'],
    ['a whole request', GET, null, null, 'reset-idle'],
  ];

  for (const [name, bytes, limit, late, broken] of ROWS) {
    it(`${name}, then nothing more: ${late}`, { skip: late === null }, async (t) => {
      const server = await start(t, { headersTimeout: 0, requestTimeout: 0, [limit]: 300, connectionsCheckingInterval: 20 });
      const client = connect(server);
      client.write(bytes);
      await closed(client.resume());
      const [{ code, hint, limit: told }] = server.refusals();
      assert.deepStrictEqual([code, hint.id, told.name, told.value], ['ERR_HTTP_REQUEST_TIMEOUT', late, limit, 300]);
    });

    it(`${name}, then a reset: ${broken}`, async (t) => {
      const server = await start(t, {}, (req, res) => { if (req.method === 'GET') res.end('hello'); });
      const client = connect(server);
      await once(client, 'connect');
      await until(() => server._connections === 1);
      if (bytes !== '') {
        client.write(bytes);
        if (bytes === GET) await once(client, 'data');
        else if (bytes === HALF_BODY) await once(server, 'request');
        // A reset discards bytes that are unread.
        else await new Promise((resolve) => setTimeout(resolve, 100));
      }
      client.resetAndDestroy();
      await until(() => server.refusalStats().total === 1);
      const [{ code, hint }] = server.refusals();
      assert.deepStrictEqual([code, hint.id], ['ECONNRESET', broken]);
    });
  }

  it('ten slow heads of one peer are slowloris, nine are not', async (t) => {
    const server = await start(t, { headersTimeout: 500, requestTimeout: 0, connectionsCheckingInterval: 20 });
    await Promise.all(Array.from({ length: 11 }, () => {
      const client = connect(server);
      client.write(HALF_HEAD);
      return closed(client.resume());
    }));
    const hints = server.refusals().map(({ hint }) => hint.id);
    assert.deepStrictEqual(hints, [...Array(9).fill('timeout-in-head'), 'slowloris', 'slowloris']);
    assert.deepStrictEqual(server.refusals().map(({ ofPeer }) => ofPeer), Array.from({ length: 11 }, (_, i) => i + 1));
    assert.deepStrictEqual(server.refusalStats().advice.map(({ id, peer }) => [id, peer]), [['slowloris', '127.0.0.1']]);
  });
});

it('a hundred refusals of one peer are worth advice, ninety-nine are not', async (t) => {
  const server = await start(t);
  for (let i = 0; i < 100; i++) {
    assert.deepStrictEqual(server.refusalStats().advice, []);
    const client = connect(server);
    client.end('GARBAGE / HTTP/1.1\r\n\r\n');
    await closed(client.resume());
  }
  assert.deepStrictEqual(server.refusalStats().advice.map(({ id, peer }) => [id, peer]), [['one-peer', '127.0.0.1']]);
});

describe('idle closes and keep-alive races', () => {
  const counts = async (server) => {
    // The server's ends are closed, too.
    await until(() => server._connections === 0);
    await new Promise(setImmediate);
    const { idleCloses, keepAliveRaces, idlePeers } = server.refusalStats();
    return [idleCloses, keepAliveRaces, idlePeers.map(({ address, count }) => [address, count])];
  };

  it('keepAliveTimeout closes an idle connection', async (t) => {
    const server = await start(t, { keepAliveTimeout: 30, keepAliveTimeoutBuffer: 1 });
    const { client } = await answered(server);
    await closed(client);
    assert.deepStrictEqual(await counts(server), [1, 0, [['127.0.0.1', 1]]]);
    assert.deepStrictEqual(server.refusalStats().advice, []);
    assert.strictEqual(server.refusalStats().total, 0);
  });

  it('so does closeIdleConnections()', { skip: engine.supported ? false : 'Node does the I/O' }, async (t) => {
    const server = await start(t, {});
    const { client, socket } = await answered(server);
    await until(() => socket._httpMessage === null);
    server.closeIdleConnections();
    await closed(client);
    assert.deepStrictEqual(await counts(server), [1, 0, [['127.0.0.1', 1]]]);
  });

  const skip = process.platform === 'win32' && 'there is no descriptor to ask for unread bytes';
  it('a request that was on its way is a race', { skip }, async (t) => {
    const server = await start(t, {});
    const { client, socket } = await answered(server);
    await until(() => socket._httpMessage === null);
    // In the same turn, so that JavaScript cannot know of the request yet.
    client.write(GET);
    socket.emit('timeout');
    await closed(client);
    assert.deepStrictEqual(await counts(server), [1, 1, [['127.0.0.1', 1]]]);
    assert.deepStrictEqual(server.refusalStats().advice.map(({ id, peer }) => [id, peer]), [['keep-alive-races', '127.0.0.1']]);
  });

  const NEAR = {
    'the client ends first': async (server) => {
      const { client } = await answered(server);
      client.end();
      await closed(client);
    },
    'the client resets': async (server) => {
      const { client, socket } = await answered(server);
      client.resetAndDestroy();
      await closed(socket);
    },
    'the response says Connection: close': async (server) => {
      const { client } = await answered(server, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      await closed(client);
    },
    'no request came': async (server) => {
      const accepted = once(server, 'connection');
      const client = connect(server);
      const [socket] = await accepted;
      socket.destroy();
      await closed(client);
    },
    'a request was not answered': async (server) => {
      const accepted = once(server, 'connection');
      const client = connect(server);
      server.prependOnceListener('request', (req) => req.socket.destroy());
      client.write(GET);
      await accepted;
      await closed(client.resume());
    },
    'a further request was refused': async (server) => {
      server.once('clientError', (error, socket) => socket.destroy());
      const { client } = await answered(server);
      client.write('GARBAGE / HTTP/1.1\r\n\r\n');
      await closed(client);
      assert.strictEqual(server.refusalStats().total, 1);
    },
    'the connection was upgraded': async (server) => {
      server.once('upgrade', (req, socket) => socket.end('over'));
      const { client } = await answered(server, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
      await closed(client);
    },
  };
  for (const [name, run] of Object.entries(NEAR)) {
    it(`it is no idle close if ${name}`, async (t) => {
      const server = await start(t, {});
      await run(server);
      assert.deepStrictEqual(await counts(server), [0, 0, []]);
    });
  }
});

describe('what lenient parsing let through', () => {
  const ROWS = [
    ['GET / HTTP/1.1\r\nHost: a\r\nA: b\x01\r\n\r\n', ['HPE_INVALID_HEADER_TOKEN']],
    ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', ['HPE_INVALID_TRANSFER_ENCODING']],
    ['GET / HTTP/1.7\r\nHost: a\r\n\r\n', ['HPE_INVALID_VERSION']],
    ['GET / HTTP/1.1\r\nHost: a\r\nA: b\x01\r\nC: d\x02\r\nE: f\nG: h\r\n\r\n', ['HPE_INVALID_HEADER_TOKEN', 'HPE_CR_EXPECTED']],
    [GET, []],
  ];
  let server;
  before(async () => {
    server = ferrohttp.createServer({ insecureHTTPParser: true }, (req, res) => req.resume().on('end', () => res.end('hello')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  it('is counted once a message and code, by the code of strict parsing', async () => {
    const expected = new Map();
    for (const [bytes, codes] of ROWS) {
      const { client } = await answered(server, bytes);
      client.destroy();
      for (const code of codes) expected.set(code, (expected.get(code) ?? 0) + 1);
      const { tolerated, total } = server.refusalStats();
      assert.strictEqual(total, 0);
      assert.deepStrictEqual(new Map(tolerated.map(({ code, count }) => [code, count]).sort()), new Map([...expected].sort()), JSON.stringify(bytes));
    }
    for (const [bytes, codes] of ROWS) {
      // Strict parsing refuses with the first of these codes.
      if (codes.length > 0) assert.strictEqual(explain(bytes).refusal.code, codes[0], bytes);
    }
  });

  it('is nothing without it', async (t) => {
    const strict = await start(t, {});
    const client = connect(strict);
    client.end(ROWS[0][0]);
    await closed(client.resume());
    assert.deepStrictEqual(strict.refusalStats().tolerated, []);
  });
});
