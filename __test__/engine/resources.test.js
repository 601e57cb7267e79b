'use strict';

// Tools such as `jest --detectOpenHandles` list open handles by their asynchronous resources: each one that was not
// destroyed, unless it says that it keeps nothing alive.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');

const PROGRAM = `
  const open = new Map();
  const ignored = /^(PROMISE|TIMERWRAP|ELDHISTOGRAM|PerformanceObserver|RANDOMBYTESREQUEST|DNSCHANNEL|ZLIB|SIGNREQUEST)$/;
  require('async_hooks').createHook({
    init(id, type, trigger, resource) {
      if (!ignored.test(type)) open.set(id, { type, active: 'hasRef' in resource ? () => resource.hasRef() : () => true });
    },
    destroy: (id) => open.delete(id),
  }).enable();
  const net = require('net');
  const { createServer } = require(process.argv[1]);
  const server = createServer((req, res) => res.end('x'));
  server.listen(0, '127.0.0.1', () => {
    const client = net.connect(server.address().port, '127.0.0.1');
    client.end('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n');
    client.resume().on('close', () => server.close(() => setTimeout(() => {
      const of = (type) => [...open.values()].some((entry) => entry.type === type && entry.active());
      console.log(JSON.stringify(['FERROHTTP', 'TCPSERVERWRAP', 'TCPWRAP'].filter(of)));
    }, 50)));
  });
`;

test('a server that was closed leaves no open handle behind', () => {
  const [expected, actual] = [node, ours].map(({ specifier }) => {
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', PROGRAM, specifier], { encoding: 'utf8' });
    assert.strictEqual(stderr, '');
    return JSON.parse(stdout);
  });
  assert.deepStrictEqual(actual, expected);
  assert.deepStrictEqual(expected, []);
});

const DESTROYS = `
  const fs = require('fs');
  const net = require('net');
  const { createServer } = require(process.argv[1]);
  const count = () => fs.readdirSync('/dev/fd').length;
  const server = createServer((req, res) => {
    const { socket } = req;
    if (req.url === '/1') return res.end('x');
    setImmediate(() => {
      const before = count();
      socket[req.url === '/reset' ? 'resetAndDestroy' : 'destroy']();
      console.log(before - count());
      server.close();
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const client = net.connect(server.address().port, '127.0.0.1');
    client.on('error', () => {});
    client.write('GET /1 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n');
    client.once('data', () => client.write('GET /' + process.argv[2] + ' HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'));
  });
`;

for (const way of ['destroy', 'reset']) {
  test(`the descriptor of a socket is closed when it is destroyed (${way})`, { skip: process.platform === 'win32' && 'Windows has no folder of descriptors' }, () => {
    const [expected, actual] = [node, ours].map(({ specifier }) => {
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', DESTROYS, specifier, way], { encoding: 'utf8' });
      assert.strictEqual(stderr, '');
      return stdout;
    });
    assert.strictEqual(actual, expected);
    assert.strictEqual(expected, '1\n');
  });
}
