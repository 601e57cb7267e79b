'use strict';
// Without the engine (on Windows, or with FERROHTTP_ENGINE=off) Node accepts and reads; ferrohttp has the parser and
// the errors.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const test = require('node:test');

const PROGRAM = `
const net = require('net');
const server = require(${JSON.stringify(path.resolve(__dirname, '../..'))}).createServer((req, res) => res.end('hello'));
server.on('clientError', (error, socket) => socket.end('HTTP/1.1 400 ' + error.code + ' ' + error.bytesParsed + '\\r\\n\\r\\n'));
server.listen(0, '127.0.0.1', () => {
  const ask = (request) => new Promise((resolve) => {
    let text = '';
    net.connect(server.address().port, '127.0.0.1', function () { this.write(request); })
      .on('data', (data) => { text += data; }).on('close', () => resolve(text));
  });
  (async () => {
    const answers = [
      await ask('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n'),
      await ask('GET / HTTP/1.1\\r\\nbad name: x\\r\\n\\r\\n'),
    ];
    server.close(() => {
      console.log(JSON.stringify({ answers, counts: server.clientErrorCounts(), open: server._connections }));
    });
  })();
});`;

test('a server works where Rust does not accept', () => {
  const env = { ...process.env, FERROHTTP_ENGINE: 'off' };
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', PROGRAM], { env, encoding: 'utf8' });
  assert.strictEqual(stderr, '');
  const { answers, counts, open } = JSON.parse(stdout);
  assert.match(answers[0], /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello$/);
  assert.strictEqual(answers[1], 'HTTP/1.1 400 HPE_INVALID_HEADER_TOKEN 19\r\n\r\n');
  assert.deepStrictEqual(counts, { total: 1, HPE_INVALID_HEADER_TOKEN: 1 });
  assert.strictEqual(open, 0);
});
