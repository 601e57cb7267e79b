'use strict';

// Programs wrap functions of Node, before and after they load a server. Each function is called as often as with
// node:http.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { test } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { node, ours } = require('../support/implementations.js');

// A connection whose stream functions are wrapped is moved to a libuv handle. That makes a net.Socket and calls more
// functions, which the program's wrappers see as well.
const MOVES = new Set([
  'Readable._undestroy', 'Readable.isPaused', 'Readable.on', 'EventEmitter.on', 'EventEmitter.emit',
]);

/** There are so many connections and requests that a function for each of them is called more often than this. */
const MANY = 12;

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

/** How often each function was called on each of the two servers. */
async function both(when) {
  const expected = await counts(node, when);
  const actual = await counts(ours, when);
  assert.ok(Object.keys(expected).length > 100);
  for (const name of MOVES) delete expected[name];
  // Whether the client's FIN comes before or after the server's changes some counts by one or two, on node:http as well.
  // A wrapper that is not called is missing for each request or connection.
  for (const [name, count] of Object.entries(expected)) {
    if (count > MANY && Math.abs(actual[name] - count) <= 2) expected[name] = actual[name];
  }
  return [Object.fromEntries(Object.keys(expected).map((name) => [name, actual[name]])), expected];
}

for (const when of ['before', 'after']) {
  test(`functions that are wrapped ${when} loading are called as often as with node:http`, async () => {
    let [shown, expected] = await both(when);
    for (let tries = 1; tries < 5 && !isDeepStrictEqual(shown, expected); tries++) [shown, expected] = await both(when);
    assert.deepStrictEqual(shown, expected);
  });
}
