'use strict';

// Every row of docs/client-error.md, in one packet and divided in two at each byte: what was refused,
// where, and by which limit. First by the parser alone, then by a server with and without a listener.

const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { Duplex } = require('node:stream');
const { describe, it } = require('node:test');
const ferrohttp = require('../../index.js');
const { explain } = require('../../lib/observe/index.js');
const { examples, TIMEOUT } = require('../support/client-error-page.js');
const EXPECTED = require('./expected.js');

const rows = examples.filter(({ code, reason, applies }) => code !== TIMEOUT && reason !== undefined && applies);
const refused = rows.filter(({ fin, code }) => !fin && code.startsWith('HPE_'));

/** The positions at which to divide: every byte, or some bytes of a long request. */
function cutsOf({ length }) {
  const step = Math.ceil(length / 64);
  return Array.from({ length: length - 1 }, (_, i) => i + 1).filter((at) => length < 200 || at < 80 || at % step === 0);
}

function check(refusal, row, sentBefore) {
  const { code, reason, packet, bytesParsed } = row;
  assert.strictEqual(refusal.code, code);
  assert.strictEqual(refusal.reason, reason);
  if (reason === 'Header overflow' || reason === 'Chunk extensions overflow') return checkLimit(refusal, row, sentBefore);
  const [phase, part, field, behind = 0] = EXPECTED[reason];
  const { at } = refusal;
  // A bare LF belongs to the line that it ends.
  const taken = at.byte === 10 && bytesParsed - 1 === at.connection ? 1 : behind;
  const trailing = packet.includes('chunked\r\n\r\n') && phase === 'head' && refusal.phase === 'trailers';
  assert.strictEqual(refusal.phase, trailing ? 'trailers' : phase);
  assert.strictEqual(at.part, part);
  if (field !== undefined) assert.strictEqual(at.field, field);
  assert.strictEqual(at.connection, bytesParsed - taken);
  assert.strictEqual(at.packet, at.connection - sentBefore);
  assert.strictEqual(at.byte, packet[at.connection]);
  // This is about the last message. All before it were complete.
  const begin = at.connection - at.message;
  assert.ok(begin === 0 || packet.toString('latin1', 0, begin).includes('\r\n'), `a message begins at ${begin}`);
}

function checkLimit({ limit, at, phase }, { packet, reason }, sentBefore) {
  assert.ok(at.connection - at.packet === sentBefore && at.byte === undefined);
  const extensions = reason === 'Chunk extensions overflow';
  assert.strictEqual(limit.name, extensions ? 'chunkExtensions' : 'maxHeaderSize');
  assert.strictEqual(limit.value, 16384);
  assert.ok(limit.seen >= limit.value && limit.seen <= packet.length);
  if (extensions) return;
  const [largest] = limit.largest;
  assert.ok(largest.bytes > 16000 && largest.bytes <= packet.length);
  assert.strictEqual(largest.name, phase === 'start-line' ? 'request target' : at.field);
}

describe('the parser says of each row', () => {
  for (const row of refused) {
    it(`${row.code} ${row.text.slice(0, 60)}`, () => {
      check(explain(row.packet).refusal, row, 0);
      for (const cut of cutsOf(row.packet)) {
        const { refusal, packet } = explain([row.packet.subarray(0, cut), row.packet.subarray(cut)]);
        check(refusal, row, packet === 0 ? 0 : cut);
      }
    });
  }
});

/** What a server reports of a connection that gets the packets one by one. */
async function injected(server, packets) {
  const duplex = new Duplex({ read() {}, write(chunk, _, done) { done(); } });
  duplex.on('error', () => {});
  server.emit('connection', duplex);
  const closed = new Promise((resolve) => duplex.on('close', resolve));
  for (const packet of packets) {
    if (duplex.destroyed) break;
    duplex.push(packet);
    await new Promise(setImmediate);
  }
  return closed;
}

describe('a server says of each row, cut in two at each byte', () => {
  for (const row of refused) {
    it(`${row.code} ${row.text.slice(0, 60)}`, async () => {
      const server = ferrohttp.createServer((req) => req.resume());
      for (const [i, cut] of cutsOf(row.packet).entries()) {
        await injected(server, [row.packet.subarray(0, cut), row.packet.subarray(cut)]);
        const [refusal] = server.refusals({ after: i });
        check(refusal, row, refusal.at.connection - refusal.at.packet);
        assert.ok([0, cut].includes(refusal.at.connection - refusal.at.packet));
      }
      assert.strictEqual(server.refusalStats().total, cutsOf(row.packet).length);
    });
  }
});

async function withServer(listener, run) {
  const server = ferrohttp.createServer((req, res) => req.resume());
  if (listener !== null) server.on('clientError', listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run(server);
  } finally {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
}

async function send(server, packet) {
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  client.end(packet);
  await once(client.resume(), 'close');
}

for (const [name, listener] of [
  ['without a listener', null],
  ['with a listener', (error, socket) => socket.destroy()],
]) {
  it(`a server ${name} says the same of all of them`, async () => {
    await withServer(listener, async (server) => {
      for (const [i, row] of refused.entries()) {
        await send(server, row.packet);
        const [refusal] = server.refusals({ after: i });
        assert.strictEqual(refusal.seq, i + 1);
        check(refusal, row, 0);
        assert.strictEqual(refusal.outcome, listener === null ? 'reply' : 'listener');
        assert.strictEqual(refusal.status, listener === null ? row.reply : null);
        assert.strictEqual(refusal.peer.address, '127.0.0.1');
        assert.strictEqual(refusal.local.port, server.address().port);
        assert.strictEqual(refusal.connection.bytesRead, row.packet.length);
        assert.ok(Math.abs(Date.now() - refusal.time) < 60_000 && refusal.connection.age < 60_000);
      }
      assert.strictEqual(server.refusalStats().total, refused.length);
      assert.strictEqual(server.clientErrorCounts().total, refused.length);
    });
  });
}

it('FIN in a message says what was awaited', () => {
  for (const [request, awaited] of [
    ['GE', 'rest of the request line'],
    ['GET /a', 'rest of the request target'],
    ['GET / HTTP/1.1\r\nCook', 'rest of field Cook'],
    ['GET / HTTP/1.1\r\nCookie: a', 'rest of field Cookie'],
    ['GET / HTTP/1.1\r\nCookie: a\r\n', 'more fields or the end of the head'],
    ['POST / HTTP/1.1\r\nContent-Length: 300\r\n\r\nhello', '295 of 300 body bytes'],
    ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe', '3 bytes of a chunk'],
    ['POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n', 'the next chunk'],
  ]) {
    assert.strictEqual(explain(request, { fin: true }).refusal.awaited, awaited, request);
    assert.strictEqual(explain(request).awaited, awaited, request);
  }
});
