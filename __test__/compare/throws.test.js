'use strict';

// Listeners and callbacks throw, and the process goes on. What follows on that connection and on the next one is the
// same. The cases are those of support/throwing.js, which runs in one process for each way to go on.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const { test } = require('node:test');

// If a packet has more behind the message, ferrohttp does not know where Node's parser has stopped
// (docs/differences.md).
const STOPPED = /^HPE_(CB_|JS_EXCEPTION)/;

/** A trace without the known differences. */
function masked(value) {
  if (Array.isArray(value)) {
    const code = value.find((entry) => Array.isArray(entry) && entry[0] === 'code')?.[2];
    return value
      .filter((entry) => !(STOPPED.test(code) && Array.isArray(entry) && entry[0] === 'bytesParsed'))
      .map(masked);
  }
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, masked(entry)]));
}

for (const way of ['handler', 'capture', 'domain']) {
  test(`listeners that throw, with a ${way}`, async (t) => {
    const child = spawn(process.execPath, [require.resolve('../support/throwing.js'), way], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
    let rows = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const row = JSON.parse(line);
      // A message that is alone in its packet ends where the packet ends.
      const shown = row.alone ? (trace) => trace : masked;
      rows++;
      await t.test(row.name, () => assert.deepStrictEqual(shown(row.actual), shown(row.expected)));
    }
    assert.deepStrictEqual(await ended, [0, null]);
    assert.ok(rows > 200, `${rows} rows`);
  });
}
