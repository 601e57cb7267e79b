'use strict';

// Tests the comparison itself: it must find each difference, and nothing if there is none.

const assert = require('node:assert');
const { test } = require('node:test');
const { RULES, createServerBreaking } = require('./broken.js');
const { compareCase } = require('./harness.js');
const { node } = require('./implementations.js');

const CASES = [
  { name: 'a bad method, and more of it', packets: ['BAD', 'MORE'], through: true },
  {
    name: 'a body',
    handler: 'echo',
    packets: ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab'],
  },
  { name: 'a split request', packets: ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], split: true },
];

async function differs(rule) {
  const broken = { name: rule, createServer: createServerBreaking(rule) };
  for (const spec of CASES) {
    try {
      await compareCase(spec, [node, broken]);
    } catch (err) {
      if (err instanceof assert.AssertionError) return true;
      throw err;
    }
  }
  return false;
}

for (const rule of Object.keys(RULES)) {
  test(`a server with the broken rule '${rule}'`, async () => {
    assert.strictEqual(await differs(rule), rule !== 'none');
  });
}
