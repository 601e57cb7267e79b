'use strict';

// Waits until a process that talks to itself over loopback is at rest: every packet was received, read and parsed, its
// events were dispatched, and nothing more can happen before the next input. The server cannot see this, so it also
// works for refusals that never reach JavaScript.
//
// The process is at rest if nothing moves outside this thread while it takes a few turns of its event loop, and those
// turns brought no event. What can be seen of the outside depends on the system: `watch-proc.js` sees all of it on
// Linux, `watch-echo.js` sees the network on any system (on Linux if FERROHTTP_TEST_ECHO is set). It does not wait for
// timers.

const system = require(process.platform === 'linux' && !process.env.FERROHTTP_TEST_ECHO ? './watch-proc.js' : './watch-echo.js');

const SPINS_BEFORE_BACKING_OFF = 200;

const MOST_TURNS = 100_000;

let activity = 0;

/** Notes that something has happened on this thread. */
function stir() {
  activity++;
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when the process is at rest, and `busy`, which is called again and again, returns false. */
async function quiet(busy = () => false) {
  let seen = activity;
  let rested = system.otherThreadsAtRest();
  let stable = 0;
  for (let spins = 0; stable < system.STABLE_PASSES; spins++) {
    await system.networkPass?.();
    // A pass has two turns, because a turn's events can schedule work for the end of the next one.
    await turn();
    await turn();
    const now = system.otherThreadsAtRest();
    const unchanged = now !== null && now === rested && seen === activity && system.networkIsEmpty();
    const moving = busy();
    stable = unchanged && !moving ? stable + 1 : 0;
    seen = activity;
    rested = now;
    if (spins > SPINS_BEFORE_BACKING_OFF) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * Resolves when a server counts so many connections. Node accepts one connection in a turn, which cannot be seen. So
 * quiet() alone is not enough after several connections were made at once.
 */
async function accepted(server, connections) {
  const count = () => new Promise((resolve) => server.getConnections((err, n) => resolve(n)));
  for (let turns = 0; await count() < connections; turns++) {
    if (turns > MOST_TURNS) throw new Error(`${await count()} of ${connections} were accepted`);
    await turn();
    // Threads that accept may have to wait for a processor.
    if (turns > SPINS_BEFORE_BACKING_OFF) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Whether the other threads are seen, so that no run of one of them is missed. */
const { seesThreads } = system;

module.exports = { accepted, quiet, seesThreads, stir };
