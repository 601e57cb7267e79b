'use strict';

// What moves in the process outside this thread, and in the kernel's network, as Linux shows it in /proc: packets that
// wait in the receive backlog, and threads that do not sleep or that have run.

const fs = require('node:fs');

const TASKS = '/proc/self/task';
const BACKLOG = '/proc/net/softnet_stat';
const STABLE_PASSES = 2;

const buffer = Buffer.alloc(16384);
// Node's own threads exist before any server. They compile and collect garbage, but do not serve.
const bystanders = new Set(fs.readdirSync(TASKS));
const threads = new Map();
let threadCount = -1;
let backlogFd;

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

/** Whether the kernel has passed on every packet. */
function networkIsEmpty() {
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

/** A text that changes whenever one of the other threads ran, or null while one is running. */
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

module.exports = { STABLE_PASSES, networkIsEmpty, otherThreadsAtRest, seesThreads: true };
