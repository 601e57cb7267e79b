'use strict';

// Programs wrap functions of Node, before and after they load a server. Each function is called as often as with
// node:http.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');

/** How often the program is run at most. */
const RUNS = 15;

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

/** Notes, for each function, the count of a run. */
function note(seen, counted) {
  for (const [name, count] of Object.entries(counted)) (seen[name] ??= new Set()).add(count);
}

// A few counts are not the same in each run, on node:http as well: they depend on whether the client's FIN comes before
// the server's, and on whether the last socket closes before the program has counted. So each count of one server has to
// come on the other one, too. A function that one of them calls once more for some request never has the same count.
for (const when of ['before', 'after']) {
  test(`functions that are wrapped ${when} loading are called as often as with node:http`, async () => {
    const expected = {};
    const actual = {};
    let differ;
    for (let runs = 0; runs < RUNS && differ?.length !== 0; runs++) {
      note(expected, await counts(node, when));
      note(actual, await counts(ours, when));
      differ = Object.keys(expected).filter((name) => ![...expected[name]].some((count) => actual[name]?.has(count)));
    }
    assert.ok(Object.keys(expected).length > 100);
    assert.deepStrictEqual(differ.map((name) => [name, actual[name], expected[name]]), []);
  });
}
