'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const { test } = require('node:test');
const { ROOT, succeed } = require('./helpers.js');
const { level } = require('../../lib/host/level.js');


for (const [name, host] of [['ferrohttp', http], ['ferrohttp/https', https]]) {
  const ours = require(name);

  test(`${name} has the keys of the host's module, and all but ours are the host's`, () => {
    assert.deepStrictEqual(Object.keys(ours), Object.keys(host));
    // At level `node`, Node's own connection listener stays.
    const ourNames = ['Server', 'createServer', ...(level.name === 'node' ? [] : ['_connectionListener'])];
    for (const key of Object.keys(host)) {
      if (ourNames.includes(key)) assert.notStrictEqual(ours[key], host[key], key);
      else assert.strictEqual(ours[key], host[key], key);
    }
  });

  test(`what is set on either of ${name} and the host's module is seen on both`, (t) => {
    const { globalAgent, request } = host;
    t.after(() => Object.assign(host, { globalAgent, request }));
    const agent = new host.Agent();
    ours.globalAgent = agent;
    assert.strictEqual(host.globalAgent, agent);
    host.request = () => 'patched';
    assert.strictEqual(ours.request(), 'patched');
  });

  test(`import of ${name} has the names of the host's module`, async () => {
    const imported = await import(name);
    const names = Object.keys(await import(`node:${name.endsWith('https') ? 'https' : 'http'}`));
    assert.deepStrictEqual(Object.keys(imported), names);
    assert.strictEqual(imported.default, ours);
    for (const key of names) {
      if (key !== 'default') assert.strictEqual(imported[key], ours[key], key);
    }
  });
}

test('ferrohttp/observe has the same names for require and import', async () => {
  const names = ['collect', 'explain', 'format', 'matrix', 'otel', 'page', 'prometheus', 'refuse'];
  assert.deepStrictEqual(Object.keys(require('ferrohttp/observe')).sort(), names);
  assert.deepStrictEqual(Object.keys(await import('ferrohttp/observe')).sort(), [...names, 'default'].sort());
});

const PROGRAM = `
  const server = http.createServer((req, res) => res.end(String(server instanceof require('ferrohttp').Server)));
  server.listen(0, () => {
    http.get({ port: server.address().port, agent: false }, (res) => {
      res.pipe(process.stdout);
      server.close();
    });
  });`;
const CASES = [
  ['-r', 'ferrohttp/register', '-e', `const http = require('http'); ${PROGRAM}`],
  ['--import', 'ferrohttp/register', '-e', `const http = require('node:http'); ${PROGRAM}`],
  ['--import', 'ferrohttp/register', '--input-type=module', '-e',
    `import * as http from 'http'; import { createRequire } from 'module';
     const require = createRequire(process.cwd() + '/'); ${PROGRAM}`],
];

for (const args of CASES) {
  test(`node ${args.slice(0, -1).join(' ')} replaces the servers of the program`, async () => {
    assert.strictEqual(await succeed(process.execPath, args), 'true');
  });
}

test('the types know exactly the codes that the parser has', () => {
  const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');
  const [, union] = /type ParseErrorCode =([^;]*);/.exec(read('index.d.ts'));
  const typed = union.match(/HPE_\w+/g);
  const known = read('crates/h1/src/codes.rs').match(/(?<== ")HPE_\w+(?=")/g);
  assert.ok(known.length > 10);
  assert.deepStrictEqual(typed, known);
});
