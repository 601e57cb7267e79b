'use strict';

// `server.maxConnections` in workers of a cluster and without one, and `server.dropMaxConnection` (Node 22.12 and later),
// with which a worker does not hand on what it has no room for.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const { test } = require('node:test');
const { promisify } = require('node:util');
const { node, ours } = require('../support/implementations.js');
const { patience } = require('../support/patience.js');

async function run(policy, what, { specifier }) {
  const args = [require.resolve('./max-connections-program.js'), policy, what, specifier];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 * patience });
  return JSON.parse(stdout);
}

const [major, minor] = process.versions.node.split('.').map(Number);
const knows = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);

for (const policy of ['alone', 'none', 'rr']) {
  for (const what of ['keep', 'drop']) {
    const skip = (process.platform === 'win32' && 'other processes share no sockets there') ||
      (what === 'drop' && !knows && 'this Node does not have it');
    test(`a connection too many, ${policy}: ${what}`, { skip }, async () => {
      const [expected, actual] = await Promise.all([run(policy, what, node), run(policy, what, ours)]);
      assert.deepStrictEqual(actual, expected);
      assert.strictEqual(expected.answers.at(-1), policy === 'rr' && what === 'keep' ? 'answered' : 'closed');
    });
  }
}
