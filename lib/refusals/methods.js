'use strict';
// The methods that servers have beside Node's: `refusals()`, `refusalStats()` and `clientErrorCounts()`.

const { kServer } = require('../server/key');
const { toRefusal } = require('../observe/record');
const { checkKeys } = require('./check');

const FILTERS = new Set(['after', 'code', 'hint', 'peer']);

/**
 * Returns the refusals that the server has kept, the oldest first: the last ones, and the first and the last of each
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

/** Counts refusals by kind, connections and peers. See index.d.ts. */
function refusalStats() {
  const { native, handshakes } = this[kServer];
  const stats = JSON.parse(native.refusalStats());
  if (handshakes !== undefined) stats.handshakes = { ...handshakes };
  return stats;
}

/**
 * Counts refusals by code: each 'clientError' that was emitted, or would have been emitted to a listener. See
 * index.d.ts.
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

/** Defines the methods on a class of servers. */
function define(Server) {
  for (const method of [refusals, refusalStats, clientErrorCounts]) {
    Object.defineProperty(Server.prototype, method.name, { value: method, writable: true, configurable: true });
  }
}

module.exports = { define };
