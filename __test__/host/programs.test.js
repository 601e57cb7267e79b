'use strict';

// Programs that change what a server depends on: frozen globals, replaced timers, wrappers, deprecations. Each prints
// what it sees, which must be the same on ferrohttp and on node:http. A first line `// flags: ...` has options for
// Node.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');

const FOLDER = path.join(__dirname, 'programs');

function run(file, implementation) {
  const flags = /^\/\/ flags: (.*)$/m.exec(fs.readFileSync(file, 'utf8'))?.[1].split(' ') ?? [];
  const child = spawn(process.execPath, [...flags, file, implementation.specifier], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { output += chunk; });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(`${output.replace(/\(node:\d+\)/g, '(node)')}ended with ${code ?? signal}`));
  });
}

for (const name of fs.readdirSync(FOLDER).filter((file) => file.endsWith('.js') && file !== 'client.js')) {
  test(name.slice(0, -3).replaceAll('-', ' '), async () => {
    const file = path.join(FOLDER, name);
    const [expected, actual] = await Promise.all([run(file, node), run(file, ours)]);
    assert.match(expected, /done\n[^]*ended with 0$/);
    assert.strictEqual(actual, expected);
  });
}
