'use strict';

// Makes a case smaller while it still shows the same kind of difference.

const { kindOf } = require('./difference.js');

const MOST_ROUNDS = 60;

function joinedAt(packets, i) {
  return [...packets.slice(0, i), Buffer.concat([packets[i], packets[i + 1]]), ...packets.slice(i + 2)];
}

/** The packets without `length` bytes from `at` on, counted through all of them. */
function without(packets, at, length) {
  let from = 0;
  const kept = [];
  for (const packet of packets) {
    const start = Math.min(packet.length, Math.max(0, at - from));
    const end = Math.min(packet.length, Math.max(0, at + length - from));
    const rest = Buffer.concat([packet.subarray(0, start), packet.subarray(end)]);
    if (rest.length > 0) kept.push(rest);
    from += packet.length;
  }
  return kept;
}

function* smaller(packets) {
  for (let i = 0; i + 1 < packets.length; i++) yield joinedAt(packets, i);
  for (let i = 0; i < packets.length; i++) yield packets.filter((_, j) => j !== i);
  const total = packets.reduce((sum, { length }) => sum + length, 0);
  for (let length = Math.ceil(total / 2); length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2)) {
    for (let at = 0; at < total; at += length) yield without(packets, at, length);
  }
}

/** Returns the smallest case found. Candidates are tried a batch at a time. */
async function shrink(arena, spec, kind, batch = 64) {
  let best = spec;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const candidates = [...smaller(best.packets)].filter((packets) => packets.length > 0)
      .map((packets) => ({ ...best, packets }));
    let better;
    for (let at = 0; at < candidates.length && !better; at += batch) {
      const tried = candidates.slice(at, at + batch);
      const traces = await arena.run(tried);
      better = tried.find((_, i) => kindOf(traces[i]) === kind);
    }
    if (!better) break;
    best = better;
  }
  return best;
}

module.exports = { shrink };
