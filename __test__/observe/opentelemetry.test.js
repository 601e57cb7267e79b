'use strict';

// OpenTelemetry's HTTP instrumentation replaces `emit` of every server. With the option `native`, new
// connections are still refused without JavaScript, while requests are instrumented.

const assert = require('node:assert');
const { test } = require('node:test');
const engine = require('../../lib/engine');
const { ROOT, succeed } = require('../package/helpers.js');

function missing() {
  if (!engine.supported) return 'Node does the I/O';
  try {
    require.resolve('@opentelemetry/instrumentation-http');
    return false;
  } catch {
    return '@opentelemetry/instrumentation-http is not installed';
  }
}

const INSTRUMENT = `
  const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
  let hooked = 0;
  const instrumentation = new HttpInstrumentation({ requestHook: () => { hooked++; } });`;

const REGISTER = `
  require('ferrohttp/register');`;

const PROGRAM = (options) => `
  const http = require('http');
  const net = require('net');
  const { once } = require('events');
  const plain = require('events').prototype.emit;
  (async () => {
    const server = http.createServer(${options}, (req, res) => res.end('hello'));
    const instrumented = server.emit !== plain;
    const seen = [];
    const { emit } = server;
    server.emit = function(event) {
      seen.push(event);
      return Reflect.apply(emit, this, arguments);
    };
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const send = async (bytes) => {
      const client = net.connect(server.address().port, '127.0.0.1');
      let reply = '';
      client.on('error', () => {}).on('data', (data) => { reply += data; }).end(bytes);
      await new Promise((resolve) => client.on('close', resolve));
      return reply;
    };
    seen.length = 0;
    const replies = [];
    for (let i = 0; i < 5; i++) replies.push(await send('GARBAGE / HTTP/1.1\\r\\n\\r\\n'));
    const newcomers = seen.splice(0);
    const good = await send('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n');
    server.close();
    console.log(JSON.stringify({
      instrumented, hooked, newcomers: [...new Set(newcomers)], requests: seen.filter((event) => event === 'request').length,
      total: server.refusalStats().total, replies: [...new Set(replies)], good: good.startsWith('HTTP/1.1 200 '),
    }));
  })();`;

async function run(...parts) {
  return JSON.parse(await succeed(process.execPath, ['-e', parts.join('\n')], { cwd: ROOT }));
}

const REPLY = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

for (const [order, parts] of [['before', [INSTRUMENT, REGISTER]], ['after', [REGISTER, INSTRUMENT]]]) {
  test(`the instrumentation is loaded ${order} ferrohttp`, { skip: missing() }, async () => {
    const expected = { instrumented: true, requests: 1, total: 5, replies: [REPLY], good: true };
    const { hooked, newcomers, ...native } = await run(...parts, PROGRAM('{ refusals: { native: true } }'));
    assert.deepStrictEqual(native, expected);
    assert.deepStrictEqual([hooked, newcomers], [1, []]);
    // Without the option, a replaced `emit` sees everything.
    const shown = await run(...parts, PROGRAM('{}'));
    assert.deepStrictEqual(shown, { ...expected, hooked: 1, newcomers: ['connection', 'clientError'] });
  });
}
