'use strict';

// Programs wrap functions of Node, before and after they load a server. Each function is called as
// often as with node:http.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');

// A connection whose stream functions are wrapped is read by a libuv handle and its bytes go through the
// stream; node:http's parser reads from the handle.
const READS = new Set([
  'Socket._read', 'Socket.resume', 'Socket.read', 'Readable._undestroy', 'Readable.push', 'Readable.isPaused', 'Readable.read',
  'Readable.on', 'Readable.resume', 'EventEmitter.on', 'EventEmitter.emit', 'EventEmitter.removeAllListeners',
  'EventEmitter.listenerCount', 'Duplex.end',
]);

function counts(implementation, when) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [require.resolve('./support/wrapped.js'), implementation.specifier, when], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => { output += chunk; });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(`The program ended with ${code}`));
    });
  });
}

for (const when of ['before', 'after']) {
  test(`functions that are wrapped ${when} loading are called as often as with node:http`, async () => {
    const expected = await counts(node, when);
    const actual = await counts(ours, when);
    assert.ok(Object.keys(expected).length > 100);
    for (const name of READS) delete expected[name];
    const shown = Object.fromEntries(Object.keys(expected).map((name) => [name, actual[name]]));
    assert.deepStrictEqual(shown, expected);
  });
}
