'use strict';

// Whether a history in which the servers differed is a difference of theirs, or a matter of chance: node:http,
// played again, alone, in a crowd of itself and on a busy machine, may show by itself what ours showed.

const { spawn } = require('node:child_process');
const { firstDifference } = require('../parity/difference.js');
const { difference } = require('./difference.js');

// How often it is played alone, and in how many copies at once beside a process that keeps a processor busy.
const ALONE = 3;
const COPIES = 16;
const BUSY_MS = 2000;

/** Keeps a processor busy, until it is stopped. */
function load() {
  const child = spawn(process.execPath, ['-e', `const end = Date.now() + ${BUSY_MS}; while (Date.now() < end);`],
    { stdio: 'ignore' });
  return () => child.kill();
}

/** Plays a history again and again, until `isEnough` says so of its traces. */
async function playAgain(stage, history, isEnough) {
  for (let n = 0; n < ALONE; n++) {
    const { traces } = await stage.run([history]);
    if (isEnough(traces)) return;
  }
  for (const isBusy of [false, true]) {
    const stop = isBusy ? load() : () => {};
    try {
      const { traces } = await stage.run(new Array(COPIES).fill(history));
      if (isEnough(traces)) return;
    } finally {
      stop();
    }
  }
}

/**
 * Of a history that was played with these traces, `{ differs, steady, again, played }`: whether node:http never
 * showed what ours did, whether it always showed the same, and how often ours differed of the times that it
 * was played again.
 */
async function judge(stage, history, [expected, actual]) {
  const verdict = { differs: true, steady: true, again: 0, played: 0 };
  await playAgain(stage, history, (traces) => {
    for (const both of traces) {
      verdict.played++;
      if (difference(both)) verdict.again++;
      if (firstDifference(expected, both[0])) verdict.steady = false;
      if (!difference([both[0], actual])) verdict.differs = false;
    }
    return !verdict.differs;
  });
  return verdict;
}

module.exports = { judge };
