'use strict';
// A short part of each of the long runs (docs/reliability.md). The commands work and find nothing.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');
const { missing } = require('../../tools/reliability/faults/shim.js');

const FOLDER = path.join(__dirname, '../../tools/reliability');
const LINUX = process.platform !== 'linux' && 'looks at processes in /proc';

async function run(command, ...args) {
  const child = spawn(process.execPath, [path.join(FOLDER, command), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => { said += text; });
  }
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, said };
}

async function succeeds(...command) {
  const { code, said } = await run(...command);
  assert.strictEqual(code, 0, said);
  assert.match(said, /Everything came back, and nothing was wrong\./);
}

for (const threads of ['0', '2']) {
  test(`faults below the engine, ${threads} I/O threads`, { skip: missing() ?? false }, () =>
    succeeds('faults.js', '--seconds', '3', '--rate', '30', '--io-threads', threads));
}

test('a soak of seconds', { skip: LINUX }, () => succeeds('soak.js', '--minutes', '0.1', '--rests', '1', '--rate', '30'));

test('300 connections at once', { skip: LINUX }, () => succeeds('connections.js', '--connections', '300', '--alone'));

test('bytes that are lost are noticed', { skip: missing() ?? false }, async () => {
  const { code, said } = await run('faults.js', '--seconds', '2', '--patience', '8', '--io-threads', '0', '--only', 'send.lost');
  assert.strictEqual(code, 1, said);
  assert.match(said, /NOT SO: .*other bytes at/);
});
