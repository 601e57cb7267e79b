'use strict';

// The tables and the chart of README.md and docs/performance.md are what bench/results says.

const assert = require('node:assert/strict');
const test = require('node:test');
const { stale } = require('../../bench/report.js');

test('what is made from bench/results is up to date', () => {
  assert.deepEqual(stale(), [], 'run npm run bench:report');
});
