'use strict';

// Bytes that client and server both know: what is missing, doubled or mixed up is seen at once.

const Random = require('./random.js');

/** The longest body. */
const LIMIT = 8 << 20;
const SEEDS = 4096;

const bytes = Buffer.alloc(LIMIT + SEEDS);
const random = new Random(1);
for (let i = 0; i < bytes.length; i += 4) bytes.writeUInt32LE(Math.floor(random.next() * 2 ** 32), i);

/** The body of `length` bytes that belongs to a seed. */
function body(seed, length) {
  return bytes.subarray(seed % SEEDS, seed % SEEDS + length);
}

module.exports = { LIMIT, SEEDS, body };
