'use strict';
// `npx ferrohttp doctor` and `verify`, as an operator runs them.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { reached } = require('./support/reached.js');

const BIN = path.join(__dirname, '..', '..', 'bin', 'ferrohttp.js');

function run(args, { environment = {}, flags = [] } = {}) {
  const env = { ...process.env, FERROHTTP_LEVEL: '', FERROHTTP_ENGINE: '', ...environment };
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, BIN, ...args], { env, encoding: 'utf8' });
  return { status, stdout, stderr };
}

for (const level of ['fast', 'plain', 'sockets', 'node']) {
  test(`doctor says that the level is ${level}, and that the environment sets it`, () => {
    const { status, stdout, stderr } = run(['doctor'], { environment: { FERROHTTP_LEVEL: level } });
    assert.strictEqual(stderr, '');
    assert.match(stdout, new RegExp(`^level +${reached(level)}: `, 'm'));
    assert.match(stdout, new RegExp(`set by the environment \\(${level}\\)`));
    assert.match(stdout, new RegExp(`^Node +${process.versions.node.replaceAll('.', '\\.')}$`, 'm'));
    assert.strictEqual(/^shortcut headers +open$/m.test(stdout), reached(level) === 'fast');
    assert.strictEqual(status, 0);
  });
}

const skip = reached('fast') !== 'fast' && 'shortcuts are closed at the level of this system';

test('doctor names the function that closes a shortcut', { skip }, () => {
  const wrapping = `
    const { IncomingMessage } = require('http');
    const { _addHeaderLine } = IncomingMessage.prototype;
    IncomingMessage.prototype._addHeaderLine = function () { return _addHeaderLine.apply(this, arguments); };`;
  const { stdout } = run(['doctor'], { flags: ['--import', `data:text/javascript,${encodeURIComponent(`
    import { createRequire } from 'node:module';
    const require = createRequire('file:///');${wrapping}`)}`] });
  assert.match(stdout, /^shortcut headers +closed, because this was changed or wrapped: IncomingMessage\._addHeaderLine$/m);
  assert.match(stdout, /^shortcut idle +open$/m);
});

test('verify compares the parser with the one of this Node', () => {
  const { status, stdout } = run(['verify', '--cases', '200', '--seed', '7']);
  assert.match(stdout, /200 made from seed 7/);
  assert.match(stdout, /^No difference in \d+ cases\.$/m);
  assert.strictEqual(status, 0);
});

test('a command that is not there exits with 2', () => {
  const { status, stderr } = run(['cure']);
  assert.match(stderr, /there is no command cure/);
  assert.strictEqual(status, 2);
});
