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

// What node:http gives for the same program, but for the head that overflows: where it is cut into packets is not ours.
const SHOW = String.raw`1. a good request
   reply  HTTP/1.1 200 OK\r\nDate: -\r\nConnection: close\r\nContent-Length: 6\r\n\r\nhello\n

2. a bad method
   error  HPE_INVALID_METHOD: Invalid method encountered
   packet GARBAGE / HTTP/1.1\r\nHost: localhost\r\n\r\n
           ^ bytesParsed 1 of 39
   reply  HTTP/1.1 400 Bad Request\r\n\r\n

3. a space in a header name
   error  HPE_INVALID_HEADER_TOKEN: Invalid header token
   packet GET / HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n
                                                  ^ bytesParsed 36 of 48
   reply  HTTP/1.1 400 Bad Request\r\n\r\n

4. a bare LF
   error  HPE_INVALID_VERSION: Expected CRLF after version
   packet GET / HTTP/1.1\nHost: localhost\r\n\r\n
                          ^ bytesParsed 15 of 34
   reply  HTTP/1.1 400 Bad Request\r\n\r\n

5. Content-Length with Transfer-Encoding
   error  HPE_INVALID_TRANSFER_ENCODING: Transfer-Encoding can't be present with Content-Length
   packet ...ontent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n
                                                   ^ bytesParsed 71 of 83
   reply  HTTP/1.1 400 Bad Request\r\n\r\n
`;
const LAST = String.raw`7. a bad chunk size
   error  HPE_INVALID_CHUNK_SIZE: Invalid character in chunk size
   packet ...nsfer-Encoding: chunked\r\n\r\n4\r\nfine\r\nhuh\r\n
                                                         ^ bytesParsed 73 of 78
   reply  HTTP/1.1 400 Bad Request\r\n\r\n
`;

test('the example shows the good request and the six refusals, and exits with --once', async () => {
  const { code, stdout, stderr } = await start(0, '--once');
  assert.deepStrictEqual([code, stderr], [0, '']);
  const shown = stdout.replace(/Date: [^\\]+/, 'Date: -');
  const overflow = shown.indexOf('\n6. an overflowing head\n');
  const last = shown.indexOf('\n7. ');
  const summary = shown.indexOf('\nRefusals by code:');
  assert.strictEqual(shown.slice(0, overflow), SHOW);
  assert.match(shown.slice(overflow, last), /error {2}HPE_HEADER_OVERFLOW: Header overflow\n.*reply {2}HTTP\/1\.1 400 Bad/s);
  assert.strictEqual(shown.slice(last + 1, summary), LAST);
  for (const name of ['METHOD', 'HEADER_TOKEN', 'VERSION', 'TRANSFER_ENCODING', 'CHUNK_SIZE']) {
    assert.match(shown.slice(summary), new RegExp(`HPE_INVALID_${name}: 1\\b`));
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
