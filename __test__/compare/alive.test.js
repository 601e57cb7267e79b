'use strict';

// Which connections keep a process alive after close(): programs of LEAVING in programs.js.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const net = require('node:net');
const { createInterface } = require('node:readline');
const { describe, test } = require('node:test');
const { guarded } = require('../support/harness.js');
const { node, ours } = require('../support/implementations.js');
const { LEAVING } = require('../support/programs.js');

const UPLOAD = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1_000_000)}`;

function bytesFor(program) {
  if (program.includes('upload')) return UPLOAD;
  if (program.includes('CONNECT')) return 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n';
  const upgrade = program.includes('upgrade') ? 'Connection: upgrade\r\nUpgrade: x\r\n' : '';
  return `GET / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`;
}

/**
 * Runs a program with a client that stays until the program has ended. Returns what it has printed, and how it has
 * ended.
 */
async function run({ specifier }, program, options = {}) {
  const child = spawn(process.execPath, [require.resolve('../support/programs.js'), program, specifier], {
    stdio: ['ignore', 'pipe', 'pipe'], ...options,
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => { stderr += chunk; });
  const said = [];
  let client;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const port = /^port (\d+)$/.exec(line)?.[1];
    if (port === undefined) return void said.push(line);
    client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    client.write(bytesFor(program));
    if (program.endsWith('with FIN read')) client.end();
    // Otherwise the output of the server would not leave.
    if (!program.endsWith('with output')) client.resume();
  });
  const exit = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
  try {
    return { said, exit: await guarded(exit, program), stderr };
  } finally {
    child.kill('SIGKILL');
    client?.destroy();
  }
}

const THREADS = ['0', '2'];

for (const threads of THREADS) {
  describe(`what keeps the process alive, ${threads} I/O threads`, { concurrency: 3 }, () => {
    const env = { ...process.env, FERROHTTP_IO_THREADS: threads };
    for (const program of Object.keys(LEAVING)) {
      // libuv owns a connection that was handed over, whatever the threads are.
      if (threads !== '0' && !/^(a request|an upload)/.test(program)) continue;
      test(program, async () => {
        const [expected, actual] = await Promise.all([run(node, program, { env }), run(ours, program, { env })]);
        assert.deepStrictEqual(actual, expected);
      });
    }
  });
}

test('what keeps the process alive: node:http itself does what the programs are about', async () => {
  const read = await run(node, 'a request left resumed');
  assert.deepStrictEqual(read.said, ['alive']);
  const paused = await run(node, 'an upload that nobody reads');
  assert.deepStrictEqual(paused.said, []);
});
