'use strict';

// FERROHTTP_TEST_PATIENCE (default: 1) says how many times longer than on an ordinary machine a test waits before it
// gives up. Only tests that hang take longer by that.

const patience = Number(process.env.FERROHTTP_TEST_PATIENCE || 1);

module.exports = { patience };
