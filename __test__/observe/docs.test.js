'use strict';

// The programs of docs/observability.md and examples/observe run, and do what the page says.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { test } = require('node:test');
const { hints } = require('../../lib/native.js');
const { ROOT } = require('../package/helpers.js');
const { bytes } = require('../support/client-error-page.js');

const TELL_PORT = path.join(ROOT, '__test__/support/tell-port.js');
const PAGE = fs.readFileSync(path.join(ROOT, 'docs/observability.md'), 'utf8');

/** Each program with the values of its comment: what to send, and which reply and output to expect. */
function programs() {
  const found = PAGE.matchAll(/<!-- run (.*) -->\n```js\n([^]*?)```/g);
  return Array.from(found, ([, attributes, code]) => {
    const told = Array.from(attributes.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g), ([, key, value]) => [key, value]);
    return { code, ...Object.fromEntries(told) };
  });
}

/** A running program: what it has printed, and a function that waits for output. */
class Program {
  constructor(args) {
    this.output = '';
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'];
    this.child = spawn(process.execPath, ['-r', TELL_PORT, ...args], { cwd: ROOT, env: { ...process.env, PORT: '0' }, stdio });
    this.ended = once(this.child, 'exit');
    this.port = Promise.race([once(this.child, 'message').then(([port]) => port), this.ended.then(() => null)]);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => { this.output += text; this.child.emit('said'); });
    }
  }

  async prints(pattern) {
    while (!pattern.test(this.output)) {
      const [how] = await Promise.race([once(this.child, 'said').then(() => ['said']), this.ended.then(() => ['ended'])]);
      if (how === 'ended' && !pattern.test(this.output)) assert.match(this.output, pattern);
    }
  }

  async stop() {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

/** The reply to a packet. With `keep` the client does not end the connection, so the server has to. */
async function send(port, packet, keep) {
  const client = net.connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.write(packet);
  if (!keep) client.end();
  let reply = '';
  client.setEncoding('latin1').on('data', (text) => { reply += text; });
  await once(client, 'close');
  return reply;
}

async function get(port, target) {
  const [res] = await once(http.get({ port, path: target, agent: false }), 'response');
  let body = '';
  for await (const chunk of res) body += chunk;
  return body;
}

async function run(t, args, told) {
  const program = new Program(args);
  t.after(() => program.stop());
  const port = told.send === undefined ? 0 : await program.port;
  assert.notStrictEqual(port, null, program.output);
  let shown = '';
  if (told.send !== undefined) {
    const reply = await send(port, bytes(told.send), told.keep !== undefined);
    assert.ok(reply.startsWith(`HTTP/1.1 ${told.expect ?? '4'}`), reply);
    if (told.reply !== undefined) assert.ok(reply.endsWith(`\r\n\r\n${told.reply.replaceAll('\\"', '"')}`), reply);
    shown += reply;
  }
  if (told.get !== undefined) shown += await get(port, told.get);
  if (told.answer !== undefined) assert.match(shown, new RegExp(told.answer.replaceAll('\\"', '"').replaceAll('{', '\\{')));
  if (told.prints !== undefined) await program.prints(new RegExp(told.prints));
  if (told.never !== undefined) assert.ok(!(shown + program.output).includes(told.never), shown);
}

const all = programs();
test('the page has its programs', () => {
  assert.ok(all.length >= 10);
  assert.strictEqual(PAGE.match(/```js/g).length, all.length, 'each is run');
});

for (const [i, { code, ...told }] of all.entries()) {
  const skip = process.platform === 'win32' && code.includes('linger') && 'linger has no effect on Windows';
  test(`program ${i + 1}: ${told.answer ?? told.prints ?? told.reply}`, { skip }, (t) => run(t, ['-e', code], told));
}

const BAD = 'GARBAGE / HTTP/1.1\\r\\n\\r\\n';
const EXAMPLES = {
  'express.js': { send: BAD, get: '/refusals/', answer: '<h1>Refusals</h1>', prints: 'first HPE_INVALID_METHOD' },
  'fastify.js': { send: BAD, reply: '{"error":"HPE_INVALID_METHOD","field":""}', get: '/refusals/', answer: '<h1>Refusals</h1>' },
  'prom-client.js': { send: BAD, get: '/metrics', answer: 'ferrohttp_refusals_total{code="HPE_INVALID_METHOD"' },
  'opentelemetry.js': { send: BAD, prints: 'ferrohttp.server.refusals' },
  'behind-a-proxy.js': { send: BAD, prints: 'first HPE_INVALID_METHOD' },
};

test('every example is run', () => {
  assert.deepStrictEqual(fs.readdirSync(path.join(ROOT, 'examples/observe')).sort(), Object.keys(EXAMPLES).sort());
});

for (const [name, told] of Object.entries(EXAMPLES)) {
  test(`examples/observe/${name}`, (t) => run(t, [path.join(ROOT, 'examples/observe', name)], told));
}

test('the page names only hints that there are', () => {
  const known = hints().filter((_, i) => i % 3 === 0);
  for (const [, id] of PAGE.matchAll(/`((?:tls|proxy-protocol|beyond|timeout|reset|space|lowercase)-[a-z0-9-]+)`/g)) {
    assert.ok(known.includes(id), id);
  }
});
