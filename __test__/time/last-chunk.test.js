'use strict';

// In which turn of the event loop a response is finished whose last bytes the kernel takes late. Some releases of Node
// write an empty chunk behind a body, and libuv offers that to the kernel in an event of its own.

const assert = require('node:assert');
const { once } = require('node:events');
const { after, test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { quiet, seesThreads } = require('../support/quiet.js');
const { Peer, UNLIMITED } = require('./peer.js');

const LARGE = 400_000;
const SMALL = [8192, 1460]; // the client's receive buffer, and its segments
const TURNS = 4;

const WAYS = {
  'a string': (res) => res.end('x'.repeat(LARGE)),
  'a string of a known length': (res) => res.setHeader('Content-Length', LARGE).end('x'.repeat(LARGE)),
  'a string of wide characters': (res) => res.end('\u0100'.repeat(LARGE / 2)),
  'a Buffer': (res) => res.end(Buffer.alloc(LARGE)),
  'a chunked string': (res) => res.setHeader('Transfer-Encoding', 'chunked').end('x'.repeat(LARGE)),
  'a chunked Buffer': (res) => res.setHeader('Transfer-Encoding', 'chunked').end(Buffer.alloc(LARGE)),
  'a Buffer behind the head': (res) => {
    res.flushHeaders();
    res.end(Buffer.alloc(LARGE));
  },
  'a string with a callback': (res) => res.end('x'.repeat(LARGE), () => {}),
};

const unfit = seesThreads ? process.env.FERROHTTP_IO_THREADS > 0 && 'an I/O thread has turns of its own' : 'needs /proc';
const skip = unfit || false;
const peer = skip ? null : Peer.start();
after(() => peer?.stop());

/** The turn after the client has read in which the response is finished. */
async function finishingTurn(implementation, answer) {
  let finished = false;
  const server = implementation.createServer((req, res) => answer(res.on('finish', () => { finished = true; })));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const id = peer.nextId++;
  peer.ask('connect', id, [server.address().port, ...SMALL], (port) => port.number());
  peer.add('read', id, 0);
  peer.add('send', id, 0, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  peer.run();
  await quiet();
  assert.strictEqual(finished, false);
  peer.add('read', id, UNLIMITED);
  let turn = 0;
  while (!finished) {
    peer.pump();
    for (turn = 0; turn < TURNS && !finished; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  peer.add('reset', id);
  peer.add('forget', id);
  peer.run();
  server.closeAllConnections();
  await once(server.close(), 'close');
  return turn;
}

for (const [name, answer] of Object.entries(WAYS)) {
  test(`time: the turn in which the end of a response has left: ${name}`, { skip }, async () => {
    assert.strictEqual(await finishingTurn(ours, answer), await finishingTurn(node, answer));
  });
}
