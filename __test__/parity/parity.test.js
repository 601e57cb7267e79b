'use strict';

// A part of the parity runs, and the proof that such a run can fail.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { CATALOGUE_SIZE, bytesOf, generate } = require('./generate.js');

const PARITY = path.join(__dirname, 'parity.js');
const BROKEN = path.join(__dirname, '../support/broken.js');

function parity(args, env = {}) {
  return new Promise((resolve) => {
    execFile(process.execPath, [PARITY, ...args], { env: { ...process.env, ...env } },
      (err, stdout, stderr) => resolve({ code: err ? err.code : 0, output: stdout + stderr }));
  });
}

const SLICES = [
  ['as it is', 1500, {}],
  ['lenient', 500, { insecureHTTPParser: true }],
  ['with small limits', 500, { maxHeaderSize: 60, maxHeadersCount: 3 }],
  ['observed', 1000, {}, '--observed'],
];
for (const [name, cases, options, ...flags] of SLICES) {
  test(`parity: a slice, ${name}`, async () => {
    const { code, output } = await parity(
      ['--cases', String(cases), '--seed', '7', '--options', JSON.stringify(options), ...flags]);
    assert.strictEqual(code, 0, output);
    if (flags.length > 0) assert.match(output, /seen meanwhile: \{ batches: [1-9]\d*, refusals: [1-9]\d*, lost: \d+, logged: [1-9]\d* \}/);
  });
}

for (const rule of ['offset', 'reason', 'method', 'reply']) {
  test(`parity: a server with the broken rule '${rule}' is caught`, async () => {
    const { code, output } = await parity(['--cases', '300', '--quiet'],
      { FERROHTTP_IMPL: BROKEN, FERROHTTP_BROKEN: rule });
    assert.strictEqual(code, 1, output);
    assert.match(output, /npm run parity -- --mode/);
  });
}

test('parity: a server is no different from itself', async () => {
  const { code, output } = await parity(['--cases', '300'], { FERROHTTP_IMPL: 'node:http' });
  assert.strictEqual(code, 0, output);
});

test('parity: a case depends on its seed and number alone', () => {
  for (let index = 0; index < 200; index++) {
    assert.deepStrictEqual(generate(3, index).packets, generate(3, index).packets);
    assert.deepStrictEqual(Buffer.concat(generate(3, index).packets), bytesOf(3, index).bytes);
  }
});

test('parity: the whole catalogue is visited', () => {
  const seen = new Set();
  for (let index = 0; index < 4 * CATALOGUE_SIZE; index += 4) {
    seen.add(bytesOf(1, index).bytes.toString('latin1'));
  }
  // Fewer than the size, because a byte put in its own place changes nothing.
  assert.ok(seen.size > CATALOGUE_SIZE * 0.9, `${seen.size} of ${CATALOGUE_SIZE}`);
});
