'use strict';

// ways-app.js WAY LISTENER: a server of one kind refuses a connection, while every means of observing it is in
// use. It prints as JSON what each has reported.

const dc = require('node:diagnostics_channel');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Duplex } = require('node:stream');
const tls = require('node:tls');
const ferrohttp = require('../../index.js');
const ferrohttps = require('../../entry/https.js');
const { prometheus, refuse } = require('../../lib/observe/index.js');
const { print } = require('./support.js');

const [, , way, listener] = process.argv;
const BAD = 'GET /a HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nBad Name: x\r\n\r\n';
const GOOD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const logged = [];
const options = {
  refusals: {
    linger: 10_000,
    log: (entry) => logged.push(entry.refusal?.hint?.id),
    replies: { default: { status: 422, headers: { 'Content-Type': 'text/plain' }, body: '{code} {field}' } },
  },
};

function makeServer() {
  const handler = (req, res) => res.end('hello');
  if (way !== 'https') return ferrohttp.createServer(options, handler);
  const fixture = (name) => fs.readFileSync(path.join(__dirname, '../frameworks/fixtures', `test-only-localhost.${name}.pem`));
  return ferrohttps.createServer({ ...options, key: fixture('key'), cert: fixture('cert') }, handler);
}

/** What a client reads until the end, and the error that it gets. `later` is sent after a response. */
async function exchange(client, { now, later }) {
  let reply = '';
  let error = null;
  client.setEncoding('latin1').on('data', (text) => {
    reply += text;
    if (reply.endsWith('hello')) client.write(later);
  });
  client.on('error', ({ code }) => { error = code; });
  const closed = new Promise((resolve) => client.on('close', resolve));
  const ended = new Promise((resolve) => client.on('end', resolve));
  for (const piece of now) client.write(piece);
  await Promise.race([ended, closed]);
  client.end();
  await closed;
  return { reply, error };
}

/** What a client gets that goes on sending after it was refused. A closed socket answers that with RST. */
async function insist(server, client) {
  const { total } = server.refusalStats();
  let reply = '';
  let error = null;
  client.setEncoding('latin1').on('data', (text) => { reply += text; });
  client.on('error', ({ code }) => { error = code; });
  const ended = new Promise((resolve) => client.on('end', resolve));
  const closed = new Promise((resolve) => client.on('close', resolve));
  client.write('GARBAGE / HTTP/1.1\r\n\r\n');
  while (server.refusalStats().total === total) await new Promise(setImmediate);
  for (let i = 0; i < 20; i++) {
    if (client.writable) client.write('x'.repeat(10_000));
    await new Promise(setImmediate);
  }
  await Promise.race([ended, closed]);
  client.end();
  await closed;
  return { reply, error };
}

/** A Duplex that is given to the server, and what the server has sent to it. */
async function inject(server, { now: [now], later }) {
  let reply = '';
  const duplex = new Duplex({
    read() {},
    write(chunk, _, done) {
      reply += chunk;
      done();
      if (reply.endsWith('hello')) setImmediate(() => duplex.push(Buffer.from(later)));
    },
  });
  duplex.on('error', () => {});
  server.emit('connection', duplex);
  duplex.push(Buffer.from(now));
  await new Promise((resolve) => duplex.on('close', resolve));
  return { reply, error: null };
}

async function serve() {
  const server = makeServer();
  const told = [];
  dc.subscribe('ferrohttp.server.refusals', (message) => {
    if (message.server === server) for (const refusal of message.refusals) told.push(refusal.seq);
  });
  if (listener === 'refuse') server.on('clientError', refuse);
  if (listener === 'own') {
    server.on('clientError', (error, socket) => {
      if (socket.writable) socket.write('HTTP/1.1 400 Mine\r\n\r\n');
      socket.destroy();
    });
  }
  if (way !== 'duplex') {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const send = (...now) => sendAfter(undefined, ...now);
  const connect = () => {
    const where = { port: server.address().port, host: '127.0.0.1', allowHalfOpen: true };
    return way === 'https' ? tls.connect({ ...where, rejectUnauthorized: false }) : net.connect(where);
  };
  const sendAfter = (later, ...now) => (way === 'duplex' ? inject(server, { now, later }) : exchange(connect(), { now, later }));

  const newcomer = await send(BAD);
  const known = await sendAfter(BAD, GOOD);
  await send('GARBAGE / HTTP/1.1\r\n\r\n');
  while (told.length < 3 || logged.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  const { total, kinds } = server.refusalStats();
  const refusals = server.refusals().map(({ seq, code, hint, status, outcome, at, peer, connection, excerpt }) => ({
    seq, code, hint: hint?.id, status, outcome, part: at.part, peer: peer?.address, requests: connection.requests,
    leaks: Boolean(excerpt?.bytes.includes('secret')),
  }));
  const metrics = prometheus(server).split('\n').filter((line) => line.startsWith('ferrohttp_refusals_total{')).length;
  const before = { told: [...told], logged: [...logged] };
  const lingered = way === 'duplex' ? null : await insist(server, connect());
  if (way !== 'duplex') server.close();
  return { newcomer: newcomer.reply, known: known.reply, lingered, ...before, total, kinds: kinds.map(({ count }) => count), refusals, metrics };
}

print(serve, way === 'cluster');
