'use strict';
// A server with the listener of Node's documentation. It sends itself one good request and six
// that are refused, shows what the server saw and what the client got, and stays up.
//
//   npm start              on port 8000, or PORT
//   npm start -- --once    exits after the show

const net = require('net');
const { createServer } = require('ferrohttp');

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
  req.resume().on('end', () => res.end('hello\n'));
});

server.on('clientError', show);

// From Node's documentation of the event.
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

// The packet around an offset, escaped, and the column of that offset in the text.
function excerpt(packet, offset) {
  const from = Math.max(0, offset - 36);
  const to = Math.min(packet.length, from + 56);
  const before = (from > 0 ? '...' : '') + Array.from(packet.subarray(from, offset), escape).join('');
  const after = Array.from(packet.subarray(offset, to), escape).join('') + (to < packet.length ? '...' : '');
  return { text: before + after, column: before.length };
}

function print(label, text) {
  console.log(`   ${label.padEnd(6)} ${text}`);
}

function show(err) {
  print('error', err.code + (err.reason === undefined ? '' : `: ${err.reason}`));
  if (err.rawPacket === undefined) return;
  const { text, column } = excerpt(err.rawPacket, err.bytesParsed);
  print('packet', text);
  print('', `${' '.repeat(column)}^ bytesParsed ${err.bytesParsed} of ${err.rawPacket.length}`);
}

// ---- The show -----------------------------------------------------------------------------------

// Sends bytes on a connection of their own and resolves with all that came back.
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
The server stays up on port ${port} and shows what else it refuses. Try it:

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
