'use strict';
// The log of refusals: the first refusal of each kind at once, then a summary every minute. So a flood cannot fill it.

const { escape } = require('../observe/escape');
const { toRefusal } = require('../observe/record');

const MINUTE = 60_000;
const ENTRIES = 20; // the largest number of entries in a minute, beside the summary

function nameOf({ code, reason = '', hint = '' }) {
  return `${code}|${reason}|${hint}`;
}

function endpoint(peer) {
  return peer === undefined ? 'an unknown peer' : `${peer.address} port ${peer.port}`;
}

/** One line for an entry. */
function line(entry) {
  if (entry.event === 'first') {
    const { refusal } = entry;
    const what = refusal.hint === undefined ? refusal.reason ?? '' : `${refusal.hint.id}, ${refusal.hint.text}`;
    const where = refusal.at === undefined ? '' : `, at byte ${refusal.at.packet} in ${refusal.at.part}`;
    return escape(`ferrohttp: first ${refusal.code} (${what})${where}, from ${endpoint(refusal.peer)}`);
  }
  const kinds = entry.kinds.map(({ code, hint, count }) => `${count} ${code}${hint === undefined ? '' : ` (${hint})`}`);
  const peers = entry.peers.map(({ address, count }) => `${address} ${count}`);
  return escape(`ferrohttp: ${entry.count} refused in the last ${Math.round(entry.ms / 1000)} s: ${kinds.join(', ')}` +
    `${peers.length > 0 ? `; most so far from ${peers.join(', ')}` : ''}`);
}

class Log {
  constructor(log) {
    this.write = log === 'stderr' ? (entry) => void process.stderr.write(`${line(entry)}\n`) : log;
    this.last = 0; // the number of the last refusal that was looked at
    this.counts = new Map(); // counts by kind at the last summary
    this.total = 0;
    this.since = Date.now();
    this.left = ENTRIES;
  }

  tick(native, last) {
    const now = Date.now();
    const due = now - this.since >= MINUTE;
    if (last === this.last && !due) return;
    const stats = JSON.parse(native.refusalStats());
    if (last !== this.last) this.first(native, stats);
    this.last = last;
    if (due) this.summarize(stats, now);
  }

  /** Logs the first refusal of each kind that was not seen before. */
  first(native, { kinds }) {
    const fresh = new Set(kinds.map(nameOf).filter((name) => !this.counts.has(name)));
    if (fresh.size === 0) return;
    for (const told of JSON.parse(native.refusals(0)).refusals) {
      const name = nameOf({ ...told, hint: told.hint?.id });
      if (!fresh.delete(name)) continue;
      this.counts.set(name, 0);
      if (this.left-- > 0) this.write({ event: 'first', refusal: toRefusal(told) });
    }
    // Kinds of which no refusal was kept are only in the summary.
    for (const name of fresh) this.counts.set(name, 0);
  }

  summarize({ total, kinds, peers }, now) {
    const count = total - this.total;
    const ms = now - this.since;
    this.total = total;
    this.since = now;
    this.left = ENTRIES;
    const changed = [];
    for (const kind of kinds) {
      const name = nameOf(kind);
      const more = kind.count - (this.counts.get(name) ?? 0);
      this.counts.set(name, kind.count);
      if (more > 0) changed.push({ ...kind, count: more });
    }
    if (count === 0) return;
    changed.sort((a, b) => b.count - a.count);
    this.write({ event: 'summary', ms, count, kinds: changed, peers: peers.slice(0, 3) });
  }
}

module.exports = { Log, line };
