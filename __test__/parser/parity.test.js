'use strict';

// A part of tools/parser-parity: it compares the parser with that of the Node that runs this, and proves that a broken
// rule would be noticed.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');

const { findPeer } = require('../../tools/parser-parity/peer-process');

const TOOL = path.join(__dirname, '../../tools/parser-parity/index.js');
const skip = findPeer() === undefined && 'needs the peer: cargo build -p ferrohttp-h1-testing --example parser-parity-peer';

function compare(...options) {
  const args = [TOOL, '--no-catalogue', ...options];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('latin1').on('data', (text) => { output += text; });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
}

test('random requests, cut at random, give what Node gives', { skip }, async () => {
  const { code, output } = await compare('--cases', '30000', '--seed', '20');
  assert.strictEqual(code, 0, output);
});

for (const rule of ['limit', 'keep-alive', 'lf', 'profile']) {
  test(`a broken rule is seen: ${rule}`, { skip }, async () => {
    const { code, output } = await compare('--cases', '10000', '--break', rule);
    assert.strictEqual(code, 1, output);
    assert.match(output, /^native {3}/m);
  });
}
