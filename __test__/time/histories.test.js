'use strict';

// Small forms of histories in which the servers once differed. stage.js says what a step can hold.

const assert = require('node:assert');
const { after, before, test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { seesThreads } = require('../support/quiet.js');
const { difference } = require('./difference.js');
const { isCertain } = require('./fair.js');
const { Peer } = require('./peer.js');
const { Stage } = require('./stage.js');

const OPTIONS = { clientError: 'none', connection: false, watch: true, httpAllowHalfOpen: false, maxRequestsPerSocket: 0 };
const PLAN = { framing: 'none', upload: 0, consume: 'resume', when: 'now', way: 'string', size: 5, length: true, last: false };
// More bytes than the kernel takes for a reader with small buffers.
const LARGE = 400_000;

/**
 * A history in which each of some connections does the same, with small buffers or not. Plans are named by their numbers.
 * `turns`: it matters in which turn the server reads what is more than one read takes.
 */
function several(count, { plans, steps, small = true, count: most, turns, ...options }) {
  const each = Array.from({ length: count }, (_, c) => c);
  const meanwhile = (what, c) => what && { at: what.at, acts: [{ ...what.act, c }] };
  const named = (c) => plans.map((plan, n) => [`${c}.${n}`,
    { ...PLAN, id: `${c}.${n}`, ...plan, meanwhile: meanwhile(plan.meanwhile, c) }]);
  const act = ({ n, ...rest }, c) => ({ ...rest, c, ...(n === undefined ? {} : { id: `${c}.${n}` }) });
  return {
    options: { ...OPTIONS, ...options },
    connections: each.map(() => ({ small })),
    plans: Object.fromEntries(each.flatMap(named)),
    steps: steps.map((step) => each.flatMap((c) => step.map((what) => act(what, c)))),
  };
}

const connect = { do: 'connect' };
const stop = { do: 'read', limit: 'nothing more' };
const fin = { do: 'fin' };
const reset = { do: 'reset' };
const close = { do: 'close' };
const end = { do: 'end' };
const send = (n, from, to) => ({ do: 'send', n, from, to });
/** A part of a request that leaves together with the part that follows. */
const joined = (act) => ({ ...act, more: true });
const answer = (n) => ({ do: 'answer', n });
const malformed = { do: 'text', text: 'BAD' };
// More connections than are read at once after FIN was sent (src/js_thread/postponed.rs).
const CROWD = 24;

const HISTORIES = {
  'output is pending, and bytes and RST come together': {
    plans: [{ size: LARGE }, {}],
    steps: [[connect, stop, send(0)], [send(1, 0, 10), reset]],
  },
  'output is pending, and RST comes with a request that stops the reading': {
    plans: [{ size: LARGE, way: 'drained' }, { when: 'never' }],
    steps: [[connect, stop, send(0)], [send(1), reset]],
  },
  'RST comes with a pipeline that stops the reading': {
    plans: [{}, {}, { when: 'held' }, { size: LARGE }, { framing: 'chunked', upload: 1000 }],
    steps: [[connect, send(0)], [send(1), send(2), send(3), send(4, 0, 500), reset]],
  },
  'output is pending, and a listener destroys the socket': {
    plans: [{ size: LARGE, way: 'writes with callbacks' }, { consume: 'nothing', size: LARGE, way: 'end with a callback' }],
    steps: [[connect, stop, send(0)], [send(1), { do: 'destroy' }]],
  },
  'a pipeline is answered late, and RST has come': {
    plans: [{}, { when: 'held' }, {}],
    steps: [[connect, send(0)], [send(1), send(2)], [reset, answer(1)]],
  },
  'a response is the last one, and a request waits behind it': {
    plans: [{ when: 'held', last: true }, {}],
    clientError: 'keep',
    steps: [[connect, send(0)], [send(1), answer(0)]],
  },
  'the client leaves, and a large response comes': {
    plans: [{ when: 'held', size: LARGE }, { framing: 'length' }],
    steps: [[connect, joined(send(0)), send(1)], [close, answer(0)]],
  },
  'the client leaves, and a response of many chunks comes': {
    plans: [{}, { framing: 'chunked', upload: 1000, consume: 'nothing', when: 'immediate', way: 'drained', size: 1000 }],
    clientError: 'keep',
    steps: [[connect, send(0)], [send(1, 0, 936), close]],
  },
  'output is pending, and the client leaves behind some bytes': {
    plans: [{}, { way: 'end with a callback', size: 1_000_000 }, {}],
    clientError: 'keep',
    steps: [[connect, send(0)], [stop, send(1)], [send(2, 0, 8)], [send(2, 8, 29), close]],
  },
  'more is refused than one read takes, and the reply ends the connection': {
    plans: [{}, { when: 'never', last: true }, { framing: 'length', upload: 300_000, when: 'never' }],
    clientError: 'reply',
    small: false,
    turns: true,
    steps: [[connect, send(0)], [send(1)], [send(2, 0, 171_380)]],
  },
  'the last response is complete before its request, of which much is there': {
    plans: [{ when: 'held' }, { size: 65_536 }, { framing: 'length', upload: 300_000, when: 'held', last: true }, {}],
    clientError: 'keep',
    small: false,
    count: 16,
    steps: [[connect, send(0)], [send(1)], [send(2)], [send(3), answer(0), answer(2)]],
  },
  'the client resets in a handler that answers': {
    plans: [{}, { meanwhile: { at: 'begin', act: reset } }],
    steps: [[connect, send(0)], [send(1)]],
  },
  'the client resets in a handler that answers the first request': {
    plans: [{ framing: 'chunked', upload: 5, meanwhile: { at: 'begin', act: reset } }],
    steps: [[connect], [send(0, 0, 60)]],
  },
  'the client closes in the handler of the second of two requests': {
    plans: [{}, { when: 'never', meanwhile: { at: 'begin', act: close } }],
    httpAllowHalfOpen: true,
    small: false,
    steps: [[connect], [joined(send(0)), send(1)]],
  },
  'the client leaves, and a response without bytes comes in two writes': {
    plans: [{}, { when: 'held', way: 'a write, then an end of both', size: 0 }, { framing: 'length', upload: 20_000, size: 1, length: false }],
    small: false,
    steps: [[connect, send(0)], [joined(send(1)), send(2, 0, 10_465), close, answer(1)]],
  },
  'a crowd is refused and leaves': {
    count: CROWD, plans: [], clientError: 'reply', steps: [[connect, malformed], [fin]],
  },
  'a crowd is refused and resets': {
    count: CROWD, plans: [], clientError: 'reply', steps: [[connect, malformed], [reset]],
  },
  'a crowd is refused and sends more': {
    count: CROWD, plans: [], clientError: 'reply', steps: [[connect, malformed], [malformed], [malformed, fin]],
  },
  'a crowd is refused, and each socket is destroyed then': {
    count: CROWD, plans: [], clientError: 'reply', steps: [[connect, malformed], [malformed, { do: 'destroy' }]],
  },
  'a crowd gets its last responses and leaves': {
    count: CROWD, plans: [{ last: true }], steps: [[connect, send(0)], [fin]],
  },
  'a crowd gets its last responses and closes': {
    count: CROWD, plans: [{ last: true }], steps: [[connect, send(0)], [close]],
  },
  'the server ends a connection on which a request waits': {
    plans: [{}, {}],
    steps: [[connect, send(0)], [send(1), end]],
  },
  'the server ends a connection on which FIN waits': {
    plans: [{ framing: 'chunked', upload: 5 }],
    steps: [[connect, send(0, 0, 90)], [fin, end]],
  },
};

const hasIoThreads = process.env.FERROHTTP_IO_THREADS > 0;
const skip = seesThreads ? false : 'needs /proc to know when nothing moves';
let stage;

before(() => {
  if (seesThreads) stage = new Stage(Peer.start(), [node, ours]);
});
after(() => stage?.peer.stop());

for (const [name, history] of Object.entries(HISTORIES)) {
  for (const watch of [true, false]) {
    test(`time: ${name}${watch ? '' : ', unwatched'}`, { skip }, async () => {
      // This leaves out what depends on when an I/O thread reads.
      const histories = [1, history.count ?? 3].map((count) => several(count, { watch, ...history }))
        .filter((played) => !hasIoThreads || (!history.turns && isCertain(played)));
      if (!hasIoThreads) assert.ok(histories.every((played) => isCertain(played)));
      const { traces, left } = await stage.run(histories);
      for (const both of traces) assert.strictEqual(difference(both), null);
      assert.strictEqual(left, 0);
    });
  }
}
