'use strict';
// Programs, such as adapters and tests, emit events on a server themselves, with objects of their own. At each level
// the result is that of node:http.

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');

const ROOT = path.join(__dirname, '..', '..');
const PROGRAM = path.join(__dirname, 'support', 'own-events.js');

function play(implementation, level = '') {
  return execFileSync(process.execPath, [PROGRAM, implementation], { env: { ...process.env, FERROHTTP_LEVEL: level }, encoding: 'utf8' });
}

for (const level of ['fast', 'plain', 'sockets', 'node']) {
  test(`events of the program's own, level ${level}`, () => {
    assert.strictEqual(play(ROOT, level), play('http'));
  });
}

test('codes without end are counted together, level node', () => {
  const program = `
    const server = require(${JSON.stringify(ROOT)}).createServer().on('clientError', () => {});
    for (let i = 0; i < 1000; i++) server.emit('clientError', Object.assign(new Error(), { code: 'CODE_' + i }), {});
    const counts = server.clientErrorCounts();
    console.log(Object.keys(counts).length, counts.total, counts.OTHER);`;
  const told = execFileSync(process.execPath, ['-e', program], { env: { ...process.env, FERROHTTP_LEVEL: 'node' }, encoding: 'utf8' });
  assert.strictEqual(told, '258 1000 744\n');
});
