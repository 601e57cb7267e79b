'use strict';

// Unchanged programs give the same answers with the register hook as without it.

const assert = require('node:assert');
const { fork } = require('node:child_process');
const path = require('node:path');
const { once } = require('node:events');
const { test } = require('node:test');
const { Client } = require('./support/client.js');
const { SCRIPTS } = require('./support/scripts.js');

const ROOT = path.resolve(__dirname, '../..');
const REPORT = path.join(__dirname, 'fixtures/report-server.js');
const program = (name) => path.join(__dirname, 'fixtures/programs', name);

const HOOKS = {
  'node -r ferrohttp/register': ['-r', 'ferrohttp/register'],
  'node --import ferrohttp/register': ['--import', 'ferrohttp/register'],
};
// Scripts that need only bytes on a connection.
const ON_THE_WIRE = ['hello', 'HEAD of hello', 'HTTP/1.0', 'JSON body', 'malformed JSON', 'stream', 'error', '404', 'upload',
  'keep-alive: two requests, one connection', 'pipelined requests', 'a malformed request behind a good one',
  'client abort during the response'];
const OF_A_MODULE = ['hello', 'JSON body', 'stream', '404', 'keep-alive: two requests, one connection'];

/** Runs a program in a process of its own against the scripts. */
async function run(file, names, execArgv) {
  const child = fork(file, {
    cwd: ROOT,
    execArgv: [...execArgv, '-r', REPORT],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  let printed = ''; // Express prints errors
  child.stderr.on('data', (chunk) => (printed += chunk));
  const ours = new Set();
  const exited = once(child, 'exit');
  const port = await new Promise((resolve, reject) => {
    child.on('message', (report) => (report.port ? resolve(report.port) : ours.add(report.ours)));
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code}: ${printed}`)));
  });
  const server = { address: () => ({ port }) };
  const bench = {
    connect: () => Client.open(server),
    async exchange(bytes) {
      const client = await bench.connect();
      client.send(bytes);
      return client.finish();
    },
  };
  const results = {};
  for (const name of names) results[name] = await SCRIPTS[name].run(bench);
  // An idle connection does not keep the program from ending.
  const idle = await bench.connect();
  idle.send('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
  await idle.until('hello');
  child.send('close');
  results.idle = await idle.finish();
  [results.exit] = await exited;
  return { ours: [...ours], results };
}

for (const [name, file, names] of [
  ['an Express program', 'express.js', ON_THE_WIRE],
  ['a Fastify program', 'fastify.js', ON_THE_WIRE],
  ['an Express program of ES modules', 'module.mjs', OF_A_MODULE],
]) {
  let expected;
  for (const [hook, execArgv] of Object.entries(HOOKS)) {
    test(`${name} runs unmodified under ${hook}`, async () => {
      expected ??= run(program(file), names, []);
      const actual = await run(program(file), names, execArgv);
      const plain = await expected;
      assert.deepStrictEqual([plain.ours, plain.results.exit], [[false], 0]);
      assert.match(plain.results.hello, /200 OK/);
      assert.deepStrictEqual(actual.ours, [true]);
      assert.deepStrictEqual(actual.results, plain.results);
    });
  }
}

test("an Express program runs unmodified behind require('ferrohttp/register')", async () => {
  const launcher = path.join(__dirname, 'fixtures/programs/required.js');
  const names = ['hello', 'JSON body', 'stream', 'upload'];
  const [plain, actual] = await Promise.all([run(program('express.js'), names, []), run(launcher, names, [])]);
  assert.deepStrictEqual(actual.ours, [true]);
  assert.deepStrictEqual(actual.results, plain.results);
});
