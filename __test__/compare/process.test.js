'use strict';

// Tests that need a process of their own: exits, exceptions, what keeps a process alive, the command line, descriptors.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { describe, test } = require('node:test');
const { guarded } = require('../support/harness.js');
const { node, ours } = require('../support/implementations.js');
const { PROGRAMS } = require('../support/programs.js');
const { maskWire } = require('../support/trace.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function get(url) {
  return GET.replace('/', url);
}

const UNFINISHED = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na';

// By program: what the client sends, if it is not a GET; null for no client.
const CLIENTS = {
  'exit after a pipelined pair': get('/first') + get('/last'),
  'compute after a refusal in a listener': 'BAD',
  'exit in the clientError listener': 'BAD',
  'an exception among pipelined requests': get('/a') + get('/throw') + get('/b') + get('/last'),
  'an exception in the clientError listener': 'BAD',
  'an exception in a body': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
  'an aborted request with async hooks': UNFINISHED,
  'an aborted request in a domain': UNFINISHED,
  'an aborted request and a wrapped emit': UNFINISHED,
  'nothing but the module': null,
  'a server that does not listen': null,
  'a listening server': null,
  'an unref\'d server': null,
  'a server unref\'d in its callback': null,
  'a server that is ref\'d again': null,
  'a server closed at once': null,
  'a server that could not listen': null,
  'a silent connection of an unref\'d server': '',
  'a refused connection that a listener keeps': 'BAD',
  'an upgraded connection after close':
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
};

/** Runs a program. Returns what it has printed, how it has ended, and what its client has received. */
async function run(implementation, program, { args = [], send, fd } = {}) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'http-'));
  const flag = path.join(dir, 'received');
  const child = spawn(process.execPath, [...args, require.resolve('../support/programs.js'),
    program, implementation.specifier, flag], {
    stdio: ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])],
  });
  const result = { said: [], wire: '', end: send == null ? 'no client' : 'open' };
  let stderr = '';
  child.stderr.on('data', (chunk) => { stderr += chunk; });

  let ended = Promise.resolve();
  function connect(port) {
    ended = new Promise((resolve) => {
      const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      client.on('data', (chunk) => {
        result.wire += chunk.latin1Slice();
        fs.writeFileSync(flag, '');
      });
      client.on('end', () => {
        result.end = 'FIN';
        fs.writeFileSync(flag, '');
        client.end();
      });
      client.on('error', (err) => { result.end = err.code; });
      client.on('close', resolve);
      if (send) client.write(send);
    });
  }

  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
    let at;
    while ((at = text.indexOf('\n')) !== -1) {
      const line = text.slice(0, at);
      text = text.slice(at + 1);
      const port = /^port (\d+)$/.exec(line)?.[1];
      if (port === undefined) result.said.push(line);
      else if (send != null) connect(Number(port));
    }
  });
  const exit = new Promise((resolve) => child.on('close', (...how) => resolve(how)));
  try {
    result.exit = await guarded(exit, program);
    await guarded(ended, `the client of ${program}`);
  } catch (err) {
    child.kill('SIGKILL');
    throw new Error(`${err.message}; ${JSON.stringify(result)} ${stderr}`, { cause: err });
  } finally {
    fs.rmSync(dir, { recursive: true });
  }
  // A warning comes a tick later, before or after events of the network.
  result.said.sort((a, b) => a.startsWith('warning') - b.startsWith('warning'));
  result.wire = maskWire(result.wire);
  result.stderr = /Error: .*/.exec(stderr)?.[0] ?? '';
  return result;
}

function same(name, program, options) {
  test(name, async () => {
    const [expected, actual] = await Promise.all([
      run(node, program, options), run(ours, program, options),
    ]);
    assert.deepStrictEqual(actual, expected);
  });
}

const SPECIAL = ['limits of the command line', 'a descriptor from its parent'];
const LONG = `GET /long HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(2000)}\r\n\r\n`;
const BARE = 'GET /bare HTTP/1.1\nHost: a\n\n';
const COMMAND_LINES = [
  ['--max-http-header-size=1000', LONG],
  ['--max-http-header-size=3000', LONG],
  ['--max-http-header-size=100000', LONG.replace('x'.repeat(2000), 'x'.repeat(50_000))],
  ['--insecure-http-parser', BARE],
  ['--no-warnings', BARE],
];

describe('process', { concurrency: 3 }, () => {
  for (const program of Object.keys(PROGRAMS)) {
    if (SPECIAL.includes(program)) continue;
    const send = Object.hasOwn(CLIENTS, program) ? CLIENTS[program] : GET;
    same(program, program, { send });
  }
  for (const [arg, send] of COMMAND_LINES) {
    same(arg, 'limits of the command line', { args: [arg], send });
  }
});

const noDescriptors = process.platform === 'win32' && 'Node does not listen on descriptors on Windows';

test('process: a descriptor from its parent', { skip: noDescriptors }, async () => {
  const [expected, actual] = await Promise.all([node, ours].map(async (implementation) => {
    const holder = net.createServer();
    await new Promise((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address();
    const running = run(implementation, 'a descriptor from its parent', { fd: holder._handle.fd });
    const wire = await new Promise((resolve, reject) => {
      let received = '';
      const client = net.connect(port, '127.0.0.1');
      client.end(GET.replace('Host', 'Connection: close\r\nHost'));
      client.setEncoding('latin1').on('data', (chunk) => { received += chunk; });
      client.on('end', () => resolve(received)).on('error', reject);
      // The server must not take the connection.
      holder.close();
    });
    return [await running, maskWire(wire)];
  }));
  assert.deepStrictEqual(actual, expected);
});

// Otherwise the comparison would pass with programs that print nothing.
test('process: node:http itself does what the programs are about', async () => {
  const { said, exit } = await run(node, 'compute after end', { send: GET });
  assert.deepStrictEqual([said, exit], [['seen true'], [0, null]]);
  const alive = await run(node, 'a pending reply after close', { send: GET });
  assert.deepStrictEqual(alive.said, ['alive', 'closed']);
});
