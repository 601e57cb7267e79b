'use strict';

// A load generator sends a burst of 100,000 requests, and none of them fails.

const assert = require('node:assert');
const { execFile, spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { TransferServer } = require('../support/transfer.js');

const REQUESTS = 100_000;

function installed(command, ...args) {
  return spawnSync(command, args).error === undefined;
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    execFile(command, args, (err, stdout) => (err ? reject(err) : resolve(stdout)));
  });
}

test('ab -k: 100,000 requests', {
  skip: installed('ab', '-V') ? false : 'ab is not installed',
}, async () => {
  const server = await TransferServer.start();
  const output = await run('ab', ['-k', '-q', '-c', '64', '-n', String(REQUESTS), server.url('/')]);
  await server.stop();
  assert.match(output, new RegExp(`Complete requests:\\s+${REQUESTS}\n`), output);
  // The length of a reply depends on the client's port. ab counts that as a failure.
  assert.doesNotMatch(output, /Non-2xx|Connect: [1-9]|Receive: [1-9]|Exceptions: [1-9]/, output);
});

test('wrk: at least 100,000 requests', {
  skip: installed('wrk', '-v') ? false : 'wrk is not installed',
}, async () => {
  const server = await TransferServer.start();
  let served = 0;
  while (served < REQUESTS) {
    const output = await run('wrk', ['-t', '2', '-c', '64', '-d', '2s', server.url('/')]);
    served += Number(/(\d+) requests in/.exec(output)[1]);
    assert.doesNotMatch(output, /Socket errors|Non-2xx/, output);
  }
  await server.stop();
});

// If no load generator is installed, the same burst is pipelined over raw sockets.
test('raw sockets: 100,000 requests, 16 deep on 64 connections', async () => {
  const net = require('node:net');
  const server = await TransferServer.start();
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  let sent = 0;
  let replies = 0;
  await Promise.all(Array.from({ length: 64 }, () => new Promise((resolve, reject) => {
    const client = net.connect(server.port, '127.0.0.1');
    let waiting = 0;
    let rest = '';
    function burst() {
      if (sent >= REQUESTS) return client.end();
      const depth = Math.min(16, REQUESTS - sent);
      sent += depth;
      waiting = depth;
      client.write(request.repeat(depth));
    }
    client.setEncoding('latin1').on('data', (chunk) => {
      const parts = (rest + chunk).split('HTTP/1.1 200 OK\r\n');
      rest = parts.at(-1).slice(-20);
      const seen = parts.length - 1;
      replies += seen;
      waiting -= seen;
      if (waiting === 0) burst();
    });
    client.on('connect', burst).on('close', resolve).on('error', reject);
  })));
  await server.stop();
  assert.strictEqual(replies, REQUESTS);
});
