'use strict';

// Programs wrap functions of Node, before and after they load a server. Each function is called as
// often as with node:http.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');

// A connection whose stream functions are wrapped is moved to a libuv handle. For that a net.Socket is made
// and some more is asked, of which the program's wrappers learn as well.
const MOVES = new Set([
  'Readable._undestroy', 'Readable.isPaused', 'Readable.on', 'EventEmitter.on', 'EventEmitter.emit', 'EventEmitter.listenerCount',
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
    for (const name of MOVES) delete expected[name];
    const shown = Object.fromEntries(Object.keys(expected).map((name) => [name, actual[name]]));
    assert.deepStrictEqual(shown, expected);
  });
}
