'use strict';

// Checks that a history leaves nothing to chance. The rules are in generate.js.

const { bytesOf } = require('./requests.js');

// Fewer bytes than one read takes.
const ONE_READ = 60_000;
// The bytes that leave in one segment before a window has grown, and the bytes of small segments that leave before the peer
// has to answer.
const ONE_SEGMENT = 21_000;
const SMALL_READ = 10_000;
// Of the responses of a small connection.
const LARGEST_SHORT = 2000;

/** How many bytes that a connection sends arrive together. */
function atOnce(small, isNew) {
  if (small) return SMALL_READ;
  return isNew ? ONE_SEGMENT : ONE_READ;
}

function headLength(plan) {
  return bytesOf(plan).indexOf('\r\n\r\n') + 4;
}

function lengthOf(act, plans) {
  if (act.do === 'text') return act.text.length;
  return (act.to ?? bytesOf(plans[act.id]).length) - (act.from ?? 0);
}

/** Whether this is the plan of a long body that nobody reads. `n`: how many requests of the connection come before it. */
function isUnread({ upload, consume }, n, { maxRequestsPerSocket: most }) {
  return upload > ONE_READ && (consume === 'nothing' || (most > 0 && n >= most));
}

const IN_TURNS = new Set(['immediate', 'timer', 'in turns', 'head first']);

/** Whether a response takes more than one turn that is made at this moment or in this way. */
function takesTurns(name) {
  return IN_TURNS.has(name);
}

function isSend(act) {
  return act.do === 'send' || act.do === 'text';
}

function sentIn(acts, plans) {
  return acts.filter(isSend).reduce((sum, act) => sum + lengthOf(act, plans), 0);
}

/** Whether the answer by this plan is certain to come before or after what its connection does in the same step. */
function isCertainAnswer(plan, acts, plans, ioThreads) {
  if (ioThreads && takesTurns(plan.way) && acts.some(isSend)) return false;
  return sentIn(acts, plans) <= ONE_READ;
}

/** The plans of the requests that a connection sends, in their order. */
function plansOf(acts, plans) {
  return [...new Set(acts.filter((act) => act.do === 'send').map(({ id }) => plans[id]))];
}

/** Whether the kernel has no say in when a response has left. */
function isFairBehindLarge({ small }, acts, plans) {
  const sizes = plansOf(acts, plans).map(({ size }) => size);
  const large = sizes.findIndex((size) => size > LARGEST_SHORT);
  return !small || large === -1 || sizes.slice(large).every((size) => size > LARGEST_SHORT);
}

/** Whether the kernel has no say in how what follows a long body is cut. */
function isFairBehindUnread(acts, plans, options) {
  const requests = plansOf(acts, plans);
  const unread = requests.findIndex((plan, n) => isUnread(plan, n, options));
  return unread === -1 || (unread === requests.length - 1 && !acts.some((act) => ['close', 'text'].includes(act.do)));
}

const hasIoThreads = process.env.FERROHTTP_IO_THREADS > 0;

/** Whether it is certain what is read in which turn. `ioThreads`: whether the engine has any. */
function isCertain({ connections, options, plans, steps }, ioThreads = hasIoThreads) {
  return [...connections.keys()].every((c) => {
    let connected = false;
    let known = false;
    let sent = 0;
    let headIs = Infinity;
    const stops = steps.flat().some((act) => act.c === c && act.do === 'read');
    return steps.every((step) => {
      const acts = step.filter((act) => act.c === c);
      const sends = acts.filter(isSend);
      const bytes = sentIn(acts, plans);
      const answers = acts.filter((act) => act.do === 'answer');
      if (!answers.every(({ id }) => isCertainAnswer(plans[id], acts, plans, ioThreads))) return false;
      const ends = acts.some((act) => ['reset', 'close'].includes(act.do) || (ioThreads && act.do === 'fin'));
      if (acts.length > 1 && acts.some((act) => act.do === 'expire')) return false;
      const isNew = ioThreads || !known;
      const connects = acts.some((act) => act.do === 'connect');
      if (isNew && ends && (connects || sends.length > 0)) return false;
      const joined = (act, i) => act.more || !['send', 'text', 'fin'].includes(acts[i + 1]?.do);
      if (isNew && !acts.every((act, i) => !isSend(act) || joined(act, i))) return false;
      if (bytes > atOnce(connections[c].small, isNew)) {
        if (stops) return false;
        if (sends.some((act) => act.id !== sends[0].id)) return false;
        if (!['held', 'never'].includes(plans[sends[0].id].when)) return false;
        if (acts.some((act) => ['reset', 'close'].includes(act.do)) || plans[sends[0].id].meanwhile) return false;
      }
      if (sends.length > 0 && headIs === Infinity) headIs = sends[0].id ? headLength(plans[sends[0].id]) : 0;
      sent += bytes;
      connected ||= connects;
      if (sent >= headIs || (options.connection && connected)) known = true;
      return true;
    });
  });
}

/** Whether a generated history leaves nothing to chance. `ioThreads`: whether the engine has any. */
function isFair(history, ioThreads = hasIoThreads) {
  const { connections, options, plans, steps } = history;
  return isCertain(history, ioThreads) && connections.every((connection, c) => {
    const acts = steps.flat().filter((act) => act.c === c);
    return isFairBehindLarge(connection, acts, plans) && isFairBehindUnread(acts, plans, options);
  });
}

module.exports = { ONE_READ, atOnce, isCertain, isCertainAnswer, isFair, isUnread, takesTurns };
