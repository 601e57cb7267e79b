'use strict';

// `ferrohttp explain`: every form of input gives the same refusal, and the exit status says whether there
// was one. FERROHTTP_FIXTURES=1 writes captures of other programs to fixtures/, for systems without them.

const assert = require('node:assert');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { inspect } = require('node:util');
const { test } = require('node:test');
const pino = require('pino');
const ferrohttp = require('../../index.js');
const { ROOT, temporary } = require('../package/helpers.js');

const BIN = path.join(ROOT, 'bin/ferrohttp.js');
const REQUEST = Buffer.from('GET /a HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n');
const OFFSET = 29;
const FIXTURES = path.join(__dirname, 'fixtures');

function explain(input, ...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'explain', ...args], { input, encoding: 'latin1' });
  return { status, stdout, stderr };
}

/** The explanations as JSON. */
function explained(input, ...args) {
  const { status, stdout, stderr } = explain(input, '--json', ...args);
  assert.strictEqual(stderr, '');
  return { status, list: stdout.trim().split('\n').map((line) => JSON.parse(line)) };
}

function assertSame(input, form, ...args) {
  const { status, list: [explanation] } = explained(input, ...args);
  assert.strictEqual(explanation.input, form);
  assert.strictEqual(status, 1);
  const { refusal } = explanation;
  assert.strictEqual(refusal.code, 'HPE_INVALID_HEADER_TOKEN');
  assert.strictEqual(refusal.hint.id, 'space-in-name');
  assert.strictEqual(refusal.at.packet, OFFSET);
  assert.strictEqual(refusal.at.field, 'Bad');
  return explanation;
}

/** The error that a server gives for the request. */
async function captured(request = REQUEST) {
  const server = ferrohttp.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  client.write(request);
  const [error, socket] = await once(server, 'clientError');
  socket.destroy();
  server.close();
  await once(server, 'close');
  return error;
}

/** Keeps a file that another program has made. */
function keepFixture(name, bytes) {
  if (process.env.FERROHTTP_FIXTURES) fs.writeFileSync(path.join(FIXTURES, name), bytes);
}

test('what other programs captured once', () => {
  assertSame(fs.readFileSync(path.join(FIXTURES, 'tcpdump.pcap')), 'pcap');
  assertSame(fs.readFileSync(path.join(FIXTURES, 'haproxy-show-errors.txt')), 'haproxy');
});

test('raw bytes', () => { assertSame(REQUEST, 'raw'); });

test('hexadecimal digits, in several spellings', () => {
  const hex = REQUEST.toString('hex');
  assertSame(hex, 'hex');
  assertSame(`${hex.match(/..?/g).join(' ')}\n`, 'hex');
  assertSame(hex.match(/../g).map((digits) => `0x${digits}`).join(', '), 'hex');
  assertSame(hex.match(/../g).map((digits) => `\\x${digits}`).join(''), 'hex');
});

/** Bytes as xxd prints them, or with `canonical` as `hexdump -C` does. */
function dump(bytes, canonical) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 16) {
    const line = bytes.subarray(at, at + 16);
    const shown = line.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
    const offset = at.toString(16).padStart(8, '0');
    if (canonical) {
      const [left, right] = [line.subarray(0, 8), line.subarray(8)].map((half) => (half.toString('hex').match(/../g) ?? []).join(' '));
      text += `${offset}  ${left.padEnd(23)}  ${right.padEnd(23)}  |${shown}|\n`;
    } else {
      text += `${offset}: ${line.toString('hex').match(/.{1,4}/g).join(' ').padEnd(39)}  ${shown}\n`;
    }
  }
  return canonical ? `${text}${bytes.length.toString(16).padStart(8, '0')}\n` : text;
}

test('xxd and hexdump -C', () => {
  assertSame(dump(REQUEST, false), 'xxd');
  assertSame(dump(REQUEST, true), 'xxd');
});

test('a Buffer as Node prints it', () => {
  assertSame(inspect(REQUEST), 'console');
  const long = Buffer.concat([REQUEST, Buffer.alloc(100, 'x')]);
  const { truncated } = assertSame(inspect(long), 'console');
  assert.strictEqual(truncated, long.length - 50);
  assert.match(explain(inspect(long)).stdout, /truncated: \d+ bytes are missing/);
});

test('an error as Node prints it', async () => {
  assertSame(inspect(await captured()), 'console');
});

test('an error as JSON, and in lines of pino', async () => {
  const error = await captured();
  assertSame(JSON.stringify({ ...error }), 'json');
  assertSame(JSON.stringify([{ time: 1, error: { ...error } }], null, 2), 'json');
  let lines = '';
  const logger = pino({}, { write: (line) => { lines += line; } });
  logger.info('started');
  logger.warn({ err: error }, 'clientError');
  assertSame(lines, 'json');
});

test('a packet that is not the first of its message', async () => {
  const server = ferrohttp.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\nCookie: secret');
  const [connection] = await once(server, 'connection');
  while (connection.bytesRead === 0) await new Promise(setImmediate);
  client.write('more\0secret\r\n\r\n');
  const [error, socket] = await once(server, 'clientError');
  socket.destroy();
  server.close();
  assert.strictEqual(error.bytesParsed, 4, 'two packets');
  const { list: [{ assumed, refusal }] } = explained(inspect(error));
  assert.strictEqual(assumed, 'a field value');
  assert.strictEqual(refusal.hint.id, 'control-in-value');
  assert.deepStrictEqual(refusal.at, { packet: 4, part: 'field-value', byte: 0 });
  assert.ok(!Buffer.from(refusal.excerpt.bytes, 'hex').includes('secret'));
});

// ---- Captures -----------------------------------------------------------------------------------

/** A frame of Ethernet, IPv4 and TCP. */
function frame({ from, to, sequence, flags, data = '' }) {
  const payload = Buffer.from(data, 'latin1');
  const bytes = Buffer.alloc(14 + 20 + 20 + payload.length);
  bytes.writeUInt16BE(0x0800, 12);
  const ip = bytes.subarray(14);
  ip[0] = 0x45;
  ip.writeUInt16BE(40 + payload.length, 2);
  ip[8] = 64;
  ip[9] = 6;
  ip.set([192, 0, 2, from === 80 ? 1 : 2], 12);
  ip.set([192, 0, 2, to === 80 ? 1 : 2], 16);
  const tcp = ip.subarray(20);
  tcp.writeUInt16BE(from, 0);
  tcp.writeUInt16BE(to, 2);
  tcp.writeUInt32BE(sequence >>> 0, 4);
  tcp[12] = 0x50;
  tcp[13] = flags;
  payload.copy(tcp, 20);
  return bytes;
}

/** A connection whose packets were captured in the wrong order, and one of them twice. */
function frames() {
  const text = REQUEST.toString('latin1');
  const start = 0xfffffff0; // so that the sequence numbers wrap
  const client = (at, data, flags = 16) => frame({ from: 4000, to: 80, sequence: start + 1 + at, flags, data });
  return [
    frame({ from: 4000, to: 80, sequence: start, flags: 2 }),
    frame({ from: 80, to: 4000, sequence: 100, flags: 18 }),
    client(0, text.slice(0, 10)),
    client(20, text.slice(20)),
    client(5, text.slice(5, 20)),
    client(20, text.slice(20)),
    frame({ from: 80, to: 4000, sequence: 101, flags: 16, data: 'HTTP/1.1 400 Bad Request\r\n\r\n' }),
    client(text.length, '', 17),
  ];
}

function pcap(big) {
  const word = (value) => { const b = Buffer.alloc(4); if (big) b.writeUInt32BE(value); else b.writeUInt32LE(value); return b; };
  const header = Buffer.concat([word(0xa1b2c3d4), Buffer.alloc(12), word(65535), word(1)]);
  return Buffer.concat([header, ...frames().flatMap((each) => [word(1), word(2), word(each.length), word(each.length), each])]);
}

function pcapng() {
  const word = (value) => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
  const block = (type, body) => {
    const padded = Buffer.concat([body, Buffer.alloc(-body.length & 3)]);
    return Buffer.concat([word(type), word(padded.length + 12), padded, word(padded.length + 12)]);
  };
  const section = Buffer.concat([word(0x1a2b3c4d), word(1), Buffer.alloc(8, 0xff)]);
  const packet = (each) => Buffer.concat([word(0), word(0), word(0), word(each.length), word(each.length), each]);
  return Buffer.concat([block(0x0a0d0d0a, section), block(1, Buffer.concat([word(1), word(65535)])),
    ...frames().map((each) => block(6, packet(each)))]);
}

test('pcap and pcapng, put together in order', () => {
  for (const [form, bytes] of [['pcap', pcap(false)], ['pcap', pcap(true)], ['pcapng', pcapng()]]) {
    const { status, list } = explained(bytes);
    assert.deepStrictEqual([status, list.length, list[0].input], [1, 1, form]);
    const { refusal, label } = list[0];
    assert.strictEqual(label, '192.0.2.2:4000 to 192.0.2.1:80');
    assert.strictEqual(refusal.hint.id, 'space-in-name');
    assert.strictEqual(refusal.at.connection, OFFSET);
    // The capture has two packets before the one with the error.
    assert.strictEqual(refusal.at.packet, OFFSET - 20);
  }
});

test('a capture that is cut off anywhere does no harm', () => {
  for (const bytes of [pcap(false), pcapng()]) {
    for (let length = 0; length < bytes.length; length += 97) {
      const { status } = explain(bytes.subarray(0, length));
      assert.ok([0, 1, 2, 3].includes(status), `${length}`);
    }
  }
});

const has = (command) => !spawnSync(command, ['--version'], { stdio: 'ignore' }).error;

test('a capture of tcpdump', { skip: has('tcpdump') ? false : 'tcpdump is not installed' }, async (t) => {
  const server = ferrohttp.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address();
  const file = path.join(temporary(t), 'capture.pcap');
  const tcpdump = spawn('tcpdump', ['-i', 'lo', '-U', '-Z', os.userInfo().username, '-w', file, `tcp port ${port}`],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(() => tcpdump.kill());
  let said = '';
  tcpdump.stderr.on('data', (text) => { said += text; });
  const listening = new Promise((resolve) => tcpdump.stderr.on('data', () => { if (said.includes('listening on')) resolve(true); }));
  const started = await Promise.race([listening, once(tcpdump, 'exit').then(() => false)]);
  if (!started) return t.skip(`tcpdump may not capture: ${said.trim()}`);
  const client = net.connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.end(REQUEST);
  await once(client.resume(), 'close');
  // The frames are written to the file with a short delay.
  for (let i = 0; i < 100 && !fs.readFileSync(file).includes('Bad Name'); i++) await new Promise((resolve) => setTimeout(resolve, 50));
  tcpdump.kill('SIGINT');
  await once(tcpdump, 'exit');
  assertSame(fs.readFileSync(file), 'pcap');
  keepFixture('tcpdump.pcap', fs.readFileSync(file));
});

// ---- HAProxy and HAR ------------------------------------------------------------------------------

test("HAProxy's show errors", { skip: has('haproxy') ? false : 'haproxy is not installed' }, async (t) => {
  const dir = temporary(t);
  const socket = path.join(dir, 'admin');
  const probe = net.createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  fs.writeFileSync(path.join(dir, 'haproxy.cfg'), `global
  stats socket ${socket} level admin
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend web
  bind 127.0.0.1:${port}
`);
  const haproxy = spawn('haproxy', ['-db', '-f', path.join(dir, 'haproxy.cfg')], { stdio: 'ignore' });
  t.after(() => haproxy.kill());
  const connect = (where) => new Promise((resolve) => {
    const attempt = () => {
      const made = net.connect(where);
      made.once('connect', () => resolve(made)).once('error', () => setTimeout(attempt, 20));
    };
    attempt();
  });
  const client = await connect({ port, host: '127.0.0.1' });
  client.end(REQUEST);
  await once(client.resume(), 'close');
  const admin = await connect({ path: socket });
  admin.end('show errors\n');
  let shown = '';
  for await (const chunk of admin) shown += chunk;
  assert.match(shown, /invalid request/);
  assertSame(shown, 'haproxy');
  keepFixture('haproxy-show-errors.txt', shown);
});

test('HAR', () => {
  const har = (headers) => JSON.stringify({ log: { version: '1.2', entries: [{
    request: { method: 'GET', url: 'http://127.0.0.1:8000/a?b', httpVersion: 'HTTP/1.1', headers },
    response: { status: 431 },
  }] } });
  const { list: [explanation], status } = explained(har([{ name: 'Host', value: 'a' }, { name: 'Cookie', value: 'c'.repeat(17000) }]));
  assert.deepStrictEqual([explanation.input, status, explanation.refusal.code, explanation.refusal.hint.id],
    ['har', 1, 'HPE_HEADER_OVERFLOW', 'field-too-large']);
  assert.strictEqual(explanation.label, 'GET http://127.0.0.1:8000/a, answered 431');
  assert.strictEqual(explain(har([{ name: 'Host', value: 'a' }])).status, 0);
});

// ---- Options and exit status ------------------------------------------------------------------------

test('the exit status', () => {
  assert.strictEqual(explain('GET / HTTP/1.1\r\nHost: a\r\n\r\n').status, 0);
  assert.strictEqual(explain('GET / HTTP/1.1\r\nHost').status, 3);
  assert.strictEqual(explain('GET / HTTP/1.1\r\nHost', '--fin').status, 1);
  for (const args of [['--node', '19'], ['--node', 'x'], ['--nonsense'], ['--format', 'none'], ['/nonexistent'], ['a', 'b'], ['--format', 'pcap']]) {
    const { status, stderr, stdout } = explain('GET / HTTP/1.1\r\n\r\n', ...args);
    assert.strictEqual(status, 2, args.join(' '));
    assert.match(stderr, /^ferrohttp explain: /);
    assert.strictEqual(stdout, '');
  }
  assert.strictEqual(explain('').status, 2);
});

test('options reach the parser', () => {
  const bytes = 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n';
  assert.strictEqual(explain(bytes).status, 1);
  assert.strictEqual(explain(bytes, '--insecure').status, 0);
  assert.match(explain(bytes).stdout, /not refused by Node 20 with insecureHTTPParser/);
  assert.strictEqual(explain('GET / HTTP/1.1\r\nA: bcd\r\n\r\n', '--max-header-size', '4').status, 1);
  assert.strictEqual(explain('GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n', '--max-headers-count', '1', '--node', '24').status, 1);
  const tab = 'POST / HTTP/1.1\r\nContent-Length: 1\t\r\n\r\na';
  assert.strictEqual(explain(tab, '--node', '20').status, 1);
  assert.strictEqual(explain(tab, '--node', '24').status, 0);
  const { stdout } = explain(tab, '--node', '20', '--matrix');
  assert.match(stdout, /Node 20 {13}refused HPE_INVALID_CONTENT_LENGTH\n/);
  assert.match(stdout, /Node 24 {13}accepted/);
  assert.ok(!explain('GET /?a=secret HTTP/1.1\r\nB c: d\r\n\r\n', '--redact-query').stdout.includes('secret'));
  assert.ok(!explain('GET / HTTP/1.1\r\nMine: secret\r\nB c: d\r\n\r\n', '--redact', 'mine').stdout.includes('secret'));
});

test('whatever is in the bytes, the terminal gets plain ASCII of at most 79 columns', () => {
  const hostile = '\x1b[31m\x9b31m<script>\u202e';
  for (const text of [
    `GET /${hostile} HTTP/1.1\r\n\r\n`,
    'GET / HTTP/1.1\r\nA\x1b[2J: b\r\n\r\n',
    `GET / HTTP/1.1\r\nA: ${hostile}\x01\r\n\r\n`,
    `GET / HTTP/1.1\r\n${'n'.repeat(300)}\x9b: b\r\n\r\n`,
    `GET /${'t'.repeat(20000)} HTTP/1.1\r\n\r\n`,
    JSON.stringify({ err: { code: '\x1b[31mE\u202e', reason: '\x1b', bytesParsed: 1, rawPacket: { type: 'Buffer', data: [27] } } }),
  ]) {
    const { stdout } = explain(Buffer.from(text, 'utf8'));
    assert.match(stdout, /^[\x20-\x7e\n]+$/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 79, line);
  }
});
