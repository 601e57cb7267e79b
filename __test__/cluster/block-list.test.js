'use strict';

// `server.blockList` (Node 22.13 and later) in a worker of a cluster, which accepts connections itself or gets them
// from the primary.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { node, ours } = require('../support/implementations.js');
const { patience } = require('../support/patience.js');

async function run(policy, how, { specifier }) {
  const args = [require.resolve('./block-list-program.js'), policy, how, specifier];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 * patience });
  return JSON.parse(stdout);
}

for (const policy of ['none', 'rr']) {
  for (const how of ['option', 'property', 'late']) {
    test(`blockList in a cluster, ${policy}: ${how}`, { skip: process.platform === 'win32' }, async () => {
      const [expected, actual] = await Promise.all([run(policy, how, node), run(policy, how, ours)]);
      assert.deepStrictEqual(actual, expected);
    });
  }
}
