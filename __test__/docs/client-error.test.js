'use strict';

// docs/client-error.md says what each example gives: node:http and ferrohttp both have to agree.

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { after, before, describe, it } = require('node:test');
const ferrohttp = require('../../index.js');
const { codes, reasons, replies } = require('../../lib/native.js');
const { bytes, examples, replyOfStatus, statusOfCode, TIMEOUT } = require('../support/client-error-page.js');

const parsed = examples.filter(({ code }) => code !== TIMEOUT);

// ---- Servers and clients --------------------------------------------------------------------

async function listen(implementation, options) {
  const server = implementation.createServer(options, () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function closed(server) {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

function connect(server) {
  const socket = net.connect(server.address().port, '127.0.0.1');
  socket.on('error', () => {}); // a reset after the reply
  return socket;
}

function send(socket, { packet, fin }) {
  if (fin) socket.end(packet);
  else if (packet.length > 0) socket.write(packet);
}

/** What an example makes of a server with a listener: an error or, if it is good, a request. */
async function verdict(server, example) {
  const client = connect(server);
  const [outcome, socket] = await new Promise((resolve) => {
    // A Transfer-Encoding is judged after 'request': what comes later in the turn decides.
    server.once('request', (req) => setImmediate(() => setImmediate(resolve, [req, req.socket])));
    server.once('clientError', (error, broken) => resolve([error, broken]));
    send(client, example);
  });
  server.removeAllListeners('clientError');
  server.removeAllListeners('request');
  socket.destroy();
  await once(client.resume(), 'close');
  return outcome;
}

/** What the client of a server without a listener reads until the end. */
async function replyTo(server, example) {
  const client = connect(server);
  let text = '';
  client.setEncoding('latin1');
  client.on('data', (data) => { text += data; });
  send(client, example);
  await once(client, 'close');
  return text;
}

function assertError(error, example) {
  assert.ok(error instanceof Error, 'it is refused');
  assert.strictEqual(error.code, example.code);
  assert.strictEqual(error.reason, example.reason);
  assert.strictEqual(error.bytesParsed, example.bytesParsed);
  if (example.code === TIMEOUT) return;
  if (example.fin) assert.ok(!('rawPacket' in error));
  else assert.deepStrictEqual(error.rawPacket, example.packet);
}

// ---- Tests ----------------------------------------------------------------------------------

describe('docs/client-error.md', () => {
  it('has an example for every code and reason', () => {
    const missing = (all, key) => all.filter((text) => !examples.some((example) => example[key] === text));
    assert.deepStrictEqual(missing(codes(), 'code'), []);
    assert.deepStrictEqual(missing(reasons(), 'reason'), []);
  });

  it('names no code or reason that there is not', () => {
    for (const { code, reason } of examples) {
      assert.ok(codes().includes(code), code);
      assert.ok(reason === undefined || reasons().includes(reason), reason);
    }
  });

  it('gives the default reply of every code', () => {
    const all = Object.fromEntries(codes().map((code, i) => [code, replies()[i]]));
    const other = statusOfCode.get(undefined);
    for (const [code, reply] of Object.entries(all)) {
      assert.strictEqual(replyOfStatus.get(statusOfCode.get(code) ?? other), reply, code);
    }
  });

  for (const [name, implementation] of Object.entries({ 'node:http': http, ferrohttp })) {
    describe(name, () => {
      let listened;
      let unheard;
      before(async () => {
        listened = await listen(implementation);
        unheard = await listen(implementation);
      });
      after(() => Promise.all([closed(listened), closed(unheard)]));

      for (const example of parsed) {
        it(`${example.code}, ${example.reason}: ${example.text}`, async () => {
          if (!example.applies) {
            assert.ok(await verdict(listened, example) instanceof http.IncomingMessage, 'it is taken');
            return;
          }
          assertError(await verdict(listened, example), example);
          assert.strictEqual(await replyTo(unheard, example), replyOfStatus.get(example.reply));
        });
      }

      it(TIMEOUT, async () => {
        const [example] = examples.filter(({ code }) => code === TIMEOUT);
        const options = { connectionsCheckingInterval: 1, headersTimeout: 1, requestTimeout: 1 };
        for (const packet of [Buffer.alloc(0), bytes('GET / HTTP/1.1\\r\\n')]) {
          const overdue = await listen(implementation, options);
          const client = connect(overdue);
          send(client, { packet });
          const [error, socket] = await once(overdue, 'clientError');
          assertError(error, example);
          socket.destroy();
          assert.strictEqual(await replyTo(overdue, { packet }), replyOfStatus.get(example.reply));
          await closed(overdue);
        }
      });
    });
  }

  it('says what clientErrorCounts counts', async () => {
    const server = await listen(ferrohttp);
    const expected = { total: 0 };
    for (const example of parsed) {
      if (!example.applies) continue;
      await replyTo(server, example);
      expected[example.code] = (expected[example.code] ?? 0) + 1;
      expected.total++;
    }
    assert.deepStrictEqual(server.clientErrorCounts(), expected);
    await closed(server);
  });
});
