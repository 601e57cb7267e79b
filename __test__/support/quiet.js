'use strict';

// Waits until a process that talks to itself over loopback is at rest: every packet was received, read and parsed, its
// events were dispatched, and nothing more can happen before the next input. The server cannot see this, so it also
// works for refusals that never reach JavaScript.
//
// The process is at rest if no packet waits in the kernel's receive backlog, every other thread sleeps and did not run
// while this thread took a few turns of its event loop, and those turns brought no event. It does not wait for timers.

const fs = require('node:fs');

const TASKS = '/proc/self/task';
const BACKLOG = '/proc/net/softnet_stat';
// A pass is two turns, because a turn's events can schedule work for the end of the next one.
const STABLE_PASSES = 2;
const SPINS_BEFORE_BACKING_OFF = 200;

const MOST_TURNS = 100_000;

const supported = fs.existsSync(BACKLOG) && fs.existsSync(TASKS);

const buffer = Buffer.alloc(16384);
// Node's own threads exist before any server. They compile and collect garbage, but do not serve.
const bystanders = new Set(supported ? fs.readdirSync(TASKS) : []);
const threads = new Map();
let threadCount = -1;
let backlogFd;
let activity = 0;

/** Notes that something has happened on this thread. */
function stir() {
  activity++;
}

function read(fd) {
  return buffer.latin1Slice(0, fs.readSync(fd, buffer, 0, buffer.length, 0));
}

function open(tid) {
  const stat = fs.openSync(`${TASKS}/${tid}/stat`);
  let runs = -1;
  try {
    runs = fs.openSync(`${TASKS}/${tid}/schedstat`);
  } catch {
    // This kernel has no scheduler statistics, so only the state is compared.
  }
  return { stat, runs };
}

function forget(tid) {
  const { stat, runs } = threads.get(tid);
  threads.delete(tid);
  fs.closeSync(stat);
  if (runs !== -1) fs.closeSync(runs);
}

function backlogIsEmpty() {
  backlogFd ??= fs.openSync(BACKLOG);
  for (const line of read(backlogFd).split('\n')) {
    const queued = line.split(' ')[11];
    if (queued !== undefined && queued !== '00000000') return false;
  }
  return true;
}

function listThreads() {
  const tids = fs.readdirSync(TASKS).filter((tid) => !bystanders.has(tid));
  for (const tid of threads.keys()) if (!tids.includes(tid)) forget(tid);
  for (const tid of tids) if (!threads.has(tid)) threads.set(tid, open(tid));
}

// A text that changes whenever one of the other threads ran, or null while one is running.
function otherThreadsAtRest() {
  try {
    // The link count of the directory gives the number of threads. It is cheaper than a list.
    const { nlink } = fs.statSync(TASKS);
    if (nlink !== threadCount) {
      listThreads();
      threadCount = nlink;
    }
    let ran = '';
    for (const { stat, runs } of threads.values()) {
      const state = read(stat);
      if (state[state.lastIndexOf(')') + 2] !== 'S') return null;
      ran += runs === -1 ? ',' : read(runs);
    }
    return ran;
  } catch {
    // A thread has ended meanwhile.
    threadCount = -1;
    return null;
  }
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves when the process is at rest, and `busy`, which is called again and again, returns false. */
async function quiet(busy = () => false) {
  let seen = activity;
  let rested = otherThreadsAtRest();
  let stable = 0;
  for (let spins = 0; stable < STABLE_PASSES; spins++) {
    await turn();
    await turn();
    const now = otherThreadsAtRest();
    const unchanged = now !== null && now === rested && seen === activity && backlogIsEmpty();
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

module.exports = { accepted, quiet, stir, supported };
