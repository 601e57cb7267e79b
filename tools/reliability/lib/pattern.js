'use strict';

// Bytes that client and server both know, so that missing, doubled or mixed-up ones are noticed.

const { createCipheriv } = require('node:crypto');

/** The longest body. */
const LIMIT = 8 << 20;
const SEEDS = 4096;

// The bytes are the key stream of a cipher, which is the same in every process and fast to make.
const bytes = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(LIMIT + SEEDS));

/** The body of `length` bytes for a seed. */
function body(seed, length) {
  return bytes.subarray(seed % SEEDS, seed % SEEDS + length);
}

module.exports = { LIMIT, SEEDS, body };
