'use strict';
// A server with the 'clientError' listener of Node's documentation. It sends itself one good request and six that are
// refused, explains each refusal, and shows what the client got. Then it stays up, with a live page of its refusals.
//
//   npm start              on port 8000, or PORT
//   npm start -- --once    exits after the show

const net = require('net');
const { createServer } = require('ferrohttp');
const { explain, format, page } = require('ferrohttp/observe');

const once = process.argv.includes('--once');

const HOST = 'Host: localhost\r\n';
const REQUESTS = [
  ['a good request', `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`],
  ['a bad method', `GARBAGE / HTTP/1.1\r\n${HOST}\r\n`],
  ['a space in a header name', `GET / HTTP/1.1\r\n${HOST}Bad Name: x\r\n\r\n`],
  ['a bare LF', `GET / HTTP/1.1\n${HOST}\r\n`],
  ['Content-Length with Transfer-Encoding',
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
  ['an overflowing head', `GET / HTTP/1.1\r\n${HOST}Cookie: ${'crumb'.repeat(4000)}\r\n\r\n`],
  ['a bad chunk size', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n4\r\nfine\r\nhuh\r\n`],
];

const server = createServer((req, res) => {
  if (req.url.startsWith('/refusals')) return refusals(req, res);
  return req.resume().on('end', () => res.end('hello\n'));
});

const refusals = page(server);

server.on('clientError', show);

// This listener is the one in Node's documentation.
server.on('clientError', (err, socket) => {
  if (err.code === 'ECONNRESET' || !socket.writable) {
    return;
  }

  socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
});

// ---- What is shown ----------------------------------------------------------------------------

const ESCAPES = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };

function escape(byte) {
  if (ESCAPES[byte]) return ESCAPES[byte];
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}

function print(label, text) {
  console.log(`   ${label.padEnd(6)} ${text}`);
}

// Prints what the server knows about a refusal.
function show(err) {
  const { refusal } = explain(err);
  console.log(format(refusal).replace(/^(?=.)/gm, '   '));
}

// ---- The show -----------------------------------------------------------------------------------

// Sends bytes on a new connection, and resolves with everything that comes back.
function send(bytes) {
  return new Promise((resolve) => {
    const reply = [];
    net.connect(server.address().port)
      .on('connect', function() { this.write(bytes, 'latin1'); })
      .on('data', (chunk) => reply.push(chunk))
      .on('error', (err) => print('client', err.message))
      .on('close', () => resolve(Buffer.concat(reply)));
  });
}

async function run() {
  for (const [index, [title, bytes]] of REQUESTS.entries()) {
    console.log(`${index + 1}. ${title}`);
    const reply = await send(bytes);
    print('reply', `${Array.from(reply, escape).join('')}\n`);
  }
  console.log('Refusals by code:', server.clientErrorCounts());
  if (once) {
    server.close();
    return;
  }
  const { port } = server.address();
  console.log(`
The page of refusals: http://localhost:${port}/refusals/

The server stays up on port ${port} and explains what else it refuses. Try it:

  curl -i http://localhost:${port}/
  curl -i -X 'BAD METHOD' http://localhost:${port}/
  printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nBad Name: x\\r\\n\\r\\n' | nc localhost ${port}`);
}

function fail(err) {
  console.error(err.code === 'EADDRINUSE' ?
    `Port ${err.port} is taken: set PORT to another one.` :
    `The server cannot listen: ${err.message}`);
  process.exitCode = 1;
}

server.on('error', fail);
try {
  server.listen(Number(process.env.PORT || 8000), run);
} catch (err) {
  fail(err);
}
