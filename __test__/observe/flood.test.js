'use strict';

// A flood of refusals: rare refusals are still kept, counts are exact, memory does not grow, and JavaScript
// runs at most ten times a second for the channel. `npm run refusals` does this with a million.

const assert = require('node:assert');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const engine = require('../../lib/engine');
const { ROOT } = require('../package/helpers.js');

const APP = path.join(ROOT, 'tools/reliability/app/flooded.js');
const HELLO = Buffer.from('1603010200010001fc0303', 'hex');
const BAD_CHUNK = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';
const MANY = 6000;

async function send(port, bytes) {
  const client = net.connect(port, '127.0.0.1');
  let reply = '';
  client.on('error', () => {}).on('data', (data) => { reply += data; }).end(bytes);
  await new Promise((resolve) => client.on('close', resolve));
  return reply;
}

/** A server in a process of its own, its port, and a function that asks it. */
async function start(t, ...args) {
  const child = fork(APP, args, { execArgv: ['--expose-gc'], env: { ...process.env, FERROHTTP_IMPL: ROOT } });
  t.after(() => child.kill());
  const [{ port }] = await once(child, 'message');
  const report = async () => {
    child.send('report');
    return { ...(await once(child, 'message'))[0], when: performance.now() };
  };
  return { port, report };
}

const skip = engine.supported ? false : 'Node does the I/O';

/** Sends so many ClientHellos, 50 at a time. */
async function flood(port, count) {
  await Promise.all(Array.from({ length: 50 }, async () => {
    while (count-- > 0) await send(port, HELLO);
  }));
}

test('what is rare survives a flood, and the flood costs no more', { skip }, async (t) => {
  const { port, report } = await start(t);
  const settled = async (total) => {
    for (;;) {
      const now = await report();
      if (now.stats.total >= total && now.told === now.stats.total) return now;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  await flood(port, MANY);
  await settled(MANY);
  const before = await report();
  await flood(port, MANY / 2);
  await send(port, BAD_CHUNK);
  await flood(port, MANY / 2);
  const busy = await report();
  const after = await settled(2 * MANY + 1);

  const { stats, refusals } = after;
  assert.deepStrictEqual(stats.kinds.map(({ hint, count }) => [hint, count]), [['tls-hello', 2 * MANY], ['chunk-size-not-hex', 1]]);
  assert.deepStrictEqual([stats.total, stats.silent, stats.others, after.told], [2 * MANY + 1, 0, 0, 2 * MANY + 1]);
  assert.strictEqual(refusals.filter(({ hint }) => hint.id === 'chunk-size-not-hex').length, 1);
  assert.strictEqual(refusals[0].seq, 1);
  assert.ok(refusals.length <= 64 + 3, `${refusals.length} are kept`);
  assert.ok(after.rss - before.rss < 8 << 20, `RSS grew by ${after.rss - before.rss}`);
  // There are turns for the channel, and a few for the questions and the garbage collector.
  const seconds = (busy.when - before.when) / 1000;
  assert.ok(busy.messages - before.messages <= 10 * seconds + 1, `${busy.messages - before.messages} messages in ${seconds} s`);
  if (busy.loops !== undefined) assert.ok(busy.loops - before.loops <= 10 * seconds + 10, `${busy.loops - before.loops} turns in ${seconds} s`);
});

// Besides the turns for the question and its answer.
for (const [name, options, reply] of [
  ['Node\'s replies', {}, 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'],
  ['a reply of the program\'s own', { refusals: { replies: { default: { status: 400, body: 'no {code}' } } } },
    'HTTP/1.1 400 Bad Request\r\nContent-Length: 21\r\nConnection: close\r\n\r\nno HPE_INVALID_METHOD'],
]) {
  test(`${name} cost no turn of JavaScript`, { skip }, async (t) => {
    const { port, report } = await start(t, JSON.stringify(options), 'quiet');
    const before = await report();
    for (let i = 0; i < 200; i++) assert.strictEqual(await send(port, HELLO), reply);
    const after = await report();
    assert.strictEqual(after.stats.total, 200);
    if (after.loops !== undefined) assert.ok(after.loops - before.loops <= 20, `${after.loops - before.loops} turns`);
  });
}
