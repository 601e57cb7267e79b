'use strict';
// What servers offer beside Node's: `refusals()`, `refusalStats()` and `clientErrorCounts()`.

const { kServer } = require('../server/key');
const { toRefusal } = require('../observe/record');
const { checkKeys } = require('./check');

const FILTERS = new Set(['after', 'code', 'hint', 'peer']);

/**
 * The refusals that are kept, the oldest first: the last ones, and the first and the last of each
 * kind. See index.d.ts.
 */
function refusals(filter = {}) {
  if (filter === null || typeof filter !== 'object') {
    throw Object.assign(new TypeError('The filter must be an object'), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  checkKeys('filter', filter, FILTERS);
  const { after = 0, code, hint, peer } = filter;
  const told = JSON.parse(this[kServer].native.refusals(Number(after) || 0)).refusals;
  return told.filter((refusal) => (code === undefined || refusal.code === code) &&
    (hint === undefined || refusal.hint?.id === hint) &&
    (peer === undefined || refusal.peer?.address === peer)).map(toRefusal);
}

/** Exact counts of refusals by kind, and of connections. See index.d.ts. */
function refusalStats() {
  const { native, handshakes } = this[kServer];
  const stats = JSON.parse(native.refusalStats());
  if (handshakes !== undefined) stats.handshakes = { ...handshakes };
  return stats;
}

/**
 * Refusals so far: every 'clientError' that was emitted, or would have been had there been a
 * listener, by code. See index.d.ts.
 */
function clientErrorCounts() {
  const counts = { total: 0 };
  const list = this[kServer].counts();
  for (let i = 0; i < list.length; i += 2) {
    counts[list[i]] = list[i + 1];
    counts.total += list[i + 1];
  }
  return counts;
}

/** Gives a class of servers the methods. */
function define(Server) {
  for (const method of [refusals, refusalStats, clientErrorCounts]) {
    Object.defineProperty(Server.prototype, method.name, { value: method, writable: true, configurable: true });
  }
}

module.exports = { define };
