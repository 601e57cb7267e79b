'use strict';
// No connection occupies the JavaScript thread alone, however much it has sent.

const assert = require('node:assert');
const test = require('node:test');
const { supported } = require('../../lib/engine');
const { ioIsPlain } = require('../../lib/host');
const { ours } = require('../support/implementations.js');
const { quiet } = require('../support/quiet.js');
const { Readers } = require('../support/readers.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const REQUESTS = 40_000;
/** What one packet of 65,536 bytes has, and part of the next that its end is in. */
const OF_A_PACKET = Math.ceil(65_536 / GET.length);

// In a Node whose stream functions are not known, libuv reads: in a turn as much of a connection as in node:http.
const skip = !(supported && ioIsPlain()) && 'the engine does not read here';

test('of a deep pipeline, a turn takes a packet or two', { skip }, async (t) => {
  const seen = { answered: 0, inTurn: 0, most: 0, ahead: null };
  const server = ours.createServer((req, res) => {
    if (req.url === '/other') {
      seen.ahead ??= seen.answered;
      return res.end('other');
    }
    seen.answered++;
    seen.most = Math.max(seen.most, ++seen.inTurn);
    if (seen.inTurn === 1) setImmediate(() => { seen.inTurn = 0; });
    return res.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const readers = await Readers.open(server.address().port, 2);
  t.after(() => readers.close());
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());

  // Both are established.
  for (const client of [0, 1]) {
    readers.read(client);
    readers.send(client, GET);
    await readers.result(client, 1);
  }
  await quiet();
  Object.assign(seen, { answered: 0, most: 0 });
  // The thread does not turn between these: all of the pipeline is there before the other request.
  readers.send(0, GET.repeat(REQUESTS));
  readers.send(1, GET.replace('/', '/other'));
  await readers.result(1, 200);
  while (seen.answered < REQUESTS) await new Promise(setImmediate);

  assert.ok(seen.ahead <= 2 * OF_A_PACKET, `${seen.ahead} requests went ahead of another client's`);
  // The event loop may call for what the reactor has and for what is queued.
  assert.ok(seen.most <= 2 * OF_A_PACKET + 512, `${seen.most} requests in one turn`);
});
