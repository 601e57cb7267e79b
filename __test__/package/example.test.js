'use strict';

const assert = require('node:assert');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { ROOT, run } = require('./helpers.js');

const EXAMPLE = path.join(ROOT, 'examples/client-error.js');

function start(port, ...args) {
  return run(process.execPath, [EXAMPLE, ...args], { env: { PORT: String(port) } });
}

// Code, hint, the refused byte and its line, and what the client got.
const SHOWN = [
  ['a bad method', 'HPE_INVALID_METHOD', 'unknown-method', 'byte 1 of the packet', 'GARBAGE / HTTP/1.1\\r\\n', 1],
  ['a space in a header name', 'HPE_INVALID_HEADER_TOKEN', 'space-in-name', 'byte 36 of the packet', 'Bad Name:\\*\\*\\r\\n', 3],
  ['a bare LF', 'HPE_INVALID_VERSION', 'bare-lf', 'byte 14 of the packet', 'GET / HTTP/1.1\\n', 14],
  ['Content-Length with Transfer-Encoding', 'HPE_INVALID_TRANSFER_ENCODING', 'length-and-encoding', 'byte 70 of the packet',
    'Transfer-Encoding:.*', 17],
  ['an overflowing head', 'HPE_HEADER_OVERFLOW', 'field-too-large', 'limit maxHeaderSize is 16384'],
  ['a bad chunk size', 'HPE_INVALID_CHUNK_SIZE', 'chunk-size-not-hex', 'byte 73 of the packet', 'huh\\r\\n', 0],
];

test('the example shows the good request, explains the six refusals, and exits with --once', async () => {
  const { code, stdout, stderr } = await start(0, '--once');
  assert.deepStrictEqual([code, stderr], [0, '']);
  const [good, ...refused] = stdout.split('\nRefusals by code:')[0].split(/^\d\. /m).slice(1);
  assert.match(good, /^a good request\n {3}reply {2}HTTP\/1\.1 200 OK\\r\\n.*hello\\n\n\n$/);
  assert.strictEqual(refused.length, SHOWN.length);
  for (const [i, [title, name, hint, where, line, column]] of SHOWN.entries()) {
    const shown = refused[i];
    assert.ok(shown.startsWith(`${title}\n   [`) && shown.includes(` #${i + 1} ${name}: `), shown);
    assert.ok(shown.includes(`[${hint}]`) && shown.includes(where), shown);
    assert.match(shown, / {3}reply {2}HTTP\/1\.1 400 Bad Request\\r\\n\\r\\n\n/);
    if (line === undefined) continue;
    const escaped = line.replaceAll('\\r', '\\\\r').replaceAll('\\n', '\\\\n');
    assert.match(shown, new RegExp(`\\d{5}  ${escaped}\n {12}${' '.repeat(column)}\\^\n`));
  }
  for (const name of ['METHOD', 'HEADER_TOKEN', 'VERSION', 'TRANSFER_ENCODING', 'CHUNK_SIZE']) {
    assert.match(stdout, new RegExp(`HPE_INVALID_${name}: 1\\b`));
  }
});

test('the example says in one line that its port is taken', async (t) => {
  const taken = net.createServer();
  await new Promise((resolve) => taken.listen(0, resolve));
  t.after(() => taken.close());
  const { port } = taken.address();
  assert.deepStrictEqual(await start(port), {
    code: 1, signal: null, stdout: '', stderr: `Port ${port} is taken: set PORT to another one.\n`,
  });
});

test('the example says in one line that PORT is not a port', async () => {
  const { code, stdout, stderr } = await start('none');
  assert.deepStrictEqual([code, stdout], [1, '']);
  assert.match(stderr, /^The server cannot listen: .*\n$/);
});
