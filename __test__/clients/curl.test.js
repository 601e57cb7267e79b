'use strict';

// curl against the server.

const assert = require('node:assert');
const { execFile, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { TransferServer } = require('../support/transfer.js');

const skip = spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed';
const HUNDRED_MB = 100 * 1000 * 1000;
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'http-'));
const file = path.join(dir, 'body');
let server;
let sum;

before(async () => {
  server = await TransferServer.start();
  const block = crypto.randomBytes(1000 * 1000);
  const hash = crypto.createHash('sha256');
  const fd = fs.openSync(file, 'w');
  for (let written = 0; written < HUNDRED_MB; written += block.length) {
    block.writeUInt32LE(written);
    fs.writeSync(fd, block);
    hash.update(block);
  }
  fs.closeSync(fd);
  sum = hash.digest('hex');
});

after(async () => {
  await server.stop();
  fs.rmSync(dir, { recursive: true });
});

function curl(...args) {
  return new Promise((resolve, reject) => {
    execFile('curl', ['--silent', '--show-error', '--max-time', '60', ...args],
      { maxBuffer: 1 << 20 }, (err, stdout, stderr) => (err ? reject(err) : resolve({ stdout, stderr })));
  });
}

test('curl: requests share a connection', { skip }, async () => {
  const { stdout } = await curl(server.url('/a'), server.url('/b'), server.url('/c'));
  const lines = stdout.trim().split('\n');
  assert.strictEqual(lines.length, 3);
  assert.strictEqual(new Set(lines).size, 1, stdout);
  assert.match(lines[0], /^GET 1\.1 \d+$/);
});

test('curl: --http1.0', { skip }, async () => {
  const { stdout } = await curl('--http1.0', '--include', server.url('/'));
  assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(stdout, /\r\nConnection: close\r\n/);
  assert.match(stdout, /GET 1\.0 \d+\n$/);
});

test('curl: --http1.0 with keep-alive', { skip }, async () => {
  const { stdout } = await curl('--http1.0', '--header', 'Connection: keep-alive', server.url('/a'),
    server.url('/b'));
  assert.strictEqual(stdout.trim().split('\n').length, 2);
});

test('curl: --head', { skip }, async () => {
  const { stdout } = await curl('--head', server.url('/'));
  assert.match(stdout, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/);
});

test('curl: waits for 100 Continue and gets it', { skip }, async () => {
  const { stdout, stderr } = await curl('--verbose', '--expect100-timeout', '30', '--header',
    'Expect: 100-continue', '--data-binary', 'hello', server.url('/upload'));
  assert.match(stderr, /< HTTP\/1\.1 100 Continue/);
  assert.strictEqual(stdout.split(' ')[0], '5');
});

test('curl: 100 MB up, with its length', { skip }, async () => {
  const { stdout } = await curl('--upload-file', file, server.url('/upload'));
  assert.strictEqual(stdout, `${HUNDRED_MB} ${sum}\n`);
});

test('curl: 100 MB up, chunked', { skip }, async () => {
  const { stdout } = await curl('--header', 'Transfer-Encoding: chunked', '--upload-file', file,
    server.url('/upload'));
  assert.strictEqual(stdout, `${HUNDRED_MB} ${sum}\n`);
});

test('curl: 100 MB down', { skip }, async () => {
  const received = path.join(dir, 'received');
  const { stdout } = await curl('--output', received, '--dump-header', '-',
    server.url(`/download?size=${HUNDRED_MB}`));
  const hash = crypto.createHash('sha256').update(fs.readFileSync(received)).digest('hex');
  assert.strictEqual(fs.statSync(received).size, HUNDRED_MB);
  // The checksum comes as a trailer.
  assert.match(stdout.toLowerCase(), new RegExp(`x-sha256: ${hash}`));
});
