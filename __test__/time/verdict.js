'use strict';

// Decides whether the servers themselves differ in a history, or only by chance.
//
// Where two events of the kernel race, node:http itself shows one result or another. All results that it shows are
// allowed. To find them, the history is played on it again and again: alone, together with copies of itself, on a busy
// machine, with events that come a little later, and with a kernel that takes more or less at once. Each result of
// ferrohttp has to be one of them. A result that node:http never shows is a difference.

const { spawn } = require('node:child_process');
const { Shown } = require('./shown.js');

const COPIES = 16;
// How many more times a result of ferrohttp is looked for that node:http has not shown.
const SEARCHED = 48;
const BUSY_MS = 2000;
const LATE_MS = 4;
// Longer than the kernel holds an acknowledgement back.
const VERY_LATE_MS = 60;

// How much a client reads at once, and how much more room there is.
const SIPS = [500_000, 150_000, 50_000, 15_000];
const ROOMS = [0.5, 1.5, 2, 4, 8, 32];

/** How a history is played again: how many times at once, and what is different then. */
const ROUNDS = [
  { copies: 1 },
  { copies: 1 },
  { copies: 1 },
  { copies: COPIES },
  { copies: COPIES, busy: true },
];
const MORE_ROUNDS = [
  { copies: COPIES, timersFirst: true },
  { copies: COPIES, odd: true },
  { copies: COPIES, late: { acts: LATE_MS } },
  { copies: COPIES, late: { pumps: LATE_MS } },
  { copies: COPIES, late: { pumps: VERY_LATE_MS } },
];
/**
 * Ways that are played on node:http alone. The kernel takes a little more or less, so that a short response behind a long
 * one finds room, or none.
 */
const NEARBY = [0.8, 0.9, 1.1, 1.25].map((room) => ({ copies: COPIES, room }));
/** Other ways that are played on node:http alone. */
const SEARCHES = [
  { copies: SEARCHED },
  { copies: SEARCHED, busy: true },
  { copies: SEARCHED, late: { acts: LATE_MS } },
  { copies: SEARCHED, late: { acts: LATE_MS, pumps: LATE_MS }, busy: true },
  ...SIPS.map((sip) => ({ copies: COPIES, sip })),
  ...ROOMS.map((room) => ({ copies: COPIES, room })),
];

/** Keeps a processor busy, until it is stopped. */
function load() {
  const child = spawn(process.execPath, ['-e', `const end = Date.now() + ${BUSY_MS}; while (Date.now() < end);`],
    { stdio: 'ignore' });
  return () => child.kill();
}

async function play(stage, history, { copies, busy, ...how }, pair) {
  const stop = busy ? load() : () => {};
  try {
    const { traces } = await stage.run(new Array(copies).fill(history), how, pair);
    return traces;
  } finally {
    stop();
  }
}

/**
 * Judges a history that was played with these traces:
 *   differs   whether ferrohttp showed what node:http never did
 *   unsteady  whether node:http did not always show the same
 *   again     how many plays of ferrohttp were unlike all plays of node:http
 *   played    the number of plays of ferrohttp
 *   searched  the number of plays of node:http
 *   traces    the trace of a play that is unlike, and the most common one of node:http
 */
async function judge(stage, history, [expected, actual]) {
  const nodes = new Shown();
  const ours = new Shown();
  nodes.add(expected);
  ours.add(actual);
  const both = async (rounds) => {
    for (const round of rounds) {
      for (const [wanted, got] of await play(stage, history, round, stage.pair)) {
        nodes.add(wanted);
        ours.add(got);
      }
    }
  };
  await both(ROUNDS);
  if (!nodes.covers(ours)) await both(MORE_ROUNDS);
  const search = async (rounds) => {
    for (const round of rounds) {
      if (nodes.covers(ours)) break;
      for (const trace of (await play(stage, history, round, [stage.pair[0]])).flat()) nodes.add(trace);
    }
  };
  await search(NEARBY);
  // If it is steady there, more plays would show nothing else.
  if (nodes.isUnsteady()) await search(SEARCHES);
  const strange = ours.strangeTo(nodes);
  return {
    differs: strange.length > 0,
    unsteady: nodes.isUnsteady(),
    again: strange.reduce((sum, { count }) => sum + count, 0),
    played: ours.count,
    searched: nodes.count,
    traces: [nodes.mostCommon(), (strange[0] ?? ours.outcomes[0]).trace],
  };
}

module.exports = { judge };
