'use strict';

// How many times longer than on an ordinary machine a test waits before it gives up:
// FERROHTTP_TEST_PATIENCE, 1 by default. Nothing takes longer for it that does not hang.

const patience = Number(process.env.FERROHTTP_TEST_PATIENCE || 1);

module.exports = { patience };
