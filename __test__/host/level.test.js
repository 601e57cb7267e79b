'use strict';

// The level at which ferrohttp runs, what decides it, and the warnings.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { faking } = require('./support/faking.js');
const { reached } = require('./support/reached.js');
const { SERVES, program } = require('./support/two-answers.js');

const ROOT = path.resolve(__dirname, '../..');

function run({ args = [], env = {}, implementation } = {}) {
  const result = spawnSync(process.execPath, [...args, '-e', program(implementation)], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { ...result, said: result.stdout === '' ? undefined : JSON.parse(result.stdout) };
}

for (const level of ['fast', 'plain', 'sockets', 'node']) {
  test(`FERROHTTP_LEVEL=${level} is obeyed without a word`, () => {
    const { said, stderr } = run({ env: { FERROHTTP_LEVEL: level } });
    assert.deepStrictEqual(said, { level: reached(level), ...SERVES });
    assert.strictEqual(stderr, '');
  });
}

test('FERROHTTP_ENGINE=off is level sockets', () => {
  const { said, stderr } = run({ env: { FERROHTTP_ENGINE: 'off' } });
  assert.strictEqual(said.level, 'sockets');
  assert.strictEqual(stderr, '');
});

test('another FERROHTTP_LEVEL is refused', () => {
  const { stderr } = run({ env: { FERROHTTP_LEVEL: 'fastest' } });
  assert.match(stderr, /ERR_FERROHTTP_LEVEL/);
});

const NO_BINARY = { FERROHTTP_BINARY: path.join(ROOT, 'package.json') };

test('without a binary, require throws', () => {
  const { stderr, status } = run({ env: NO_BINARY });
  assert.match(stderr, /ERR_FERROHTTP_NO_BINARY/);
  assert.notStrictEqual(status, 0);
});

test('without a binary, level node works', () => {
  const { said, stderr } = run({ env: { ...NO_BINARY, FERROHTTP_LEVEL: 'node' } });
  assert.deepStrictEqual(said, { level: 'node', ...SERVES });
  assert.strictEqual(stderr, '');
});

test('without a binary, the register hook gives Node\'s servers, and says so once', () => {
  const args = ['-r', path.join(ROOT, 'entry/register.js')];
  const { said, stderr } = run({ args, env: NO_BINARY, implementation: 'http' });
  assert.deepStrictEqual(said, { level: 'node', ...SERVES });
  assert.strictEqual(stderr.match(/\[FERROHTTP_HOST\] Warning/g).length, 1);
});

// A newer version gets the newest grammar, and an older one the oldest. If that differs from Node's grammar, Node
// decides.
const { llhttp } = process.versions;
for (const faked of ['9.9.0', '6.0.0', null]) {
  test(`an llhttp that says it is ${faked ?? 'none'} decides as it does`, (t) => {
    const { said, stderr } = run({ args: faking(t, { llhttp: faked }), env: { NODE_NO_WARNINGS: '' } });
    const newest = llhttp === '9.4.3';
    const same = faked === '9.9.0' ? newest : !newest;
    assert.strictEqual(said.level, same ? reached('fast') : 'node');
    assert.strictEqual(/\[FERROHTTP_HOST\] Warning: .*decides otherwise \(.+: .+\)/.test(stderr), !same);
  });
}

test('a Node of an unknown line is taken for the newest known one, if its functions are', (t) => {
  const { said, stderr } = run({ args: faking(t, { node: '27.0.0' }) });
  assert.strictEqual(stderr, '');
  assert.deepStrictEqual(said, { level: reached('fast'), ...SERVES });
});
