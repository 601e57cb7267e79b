'use strict';

// lib/layout.js and the tables of docs/architecture.md are what src/layout.rs says.

const assert = require('node:assert/strict');
const test = require('node:test');
const { stale } = require('../../scripts/layout.js');

test('what is made from src/layout.rs is up to date', () => {
  assert.deepEqual(stale(), [], 'run npm run layout');
});
