'use strict';

// `server.blockList`, an option and property of net.Server (Node 22.13 and later).

const assert = require('node:assert');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');
const { guarded } = require('../support/harness.js');
const { node, ours } = require('../support/implementations.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function blocking(...addresses) {
  const list = new net.BlockList();
  for (const address of addresses) list.addAddress(address);
  return list;
}

const countOf = (server) => new Promise((resolve) => server.getConnections((err, count) => resolve(count)));

/** Makes connections from some addresses, one after the other, and returns what has happened to them. */
async function run({ createServer }, addresses, { options = () => ({}), setup = () => {}, between = () => {} }) {
  const notes = [];
  const server = createServer(options(), (req, res) => res.end('served'));
  const seen = { connection: 0, drop: 0 };
  for (const event of Object.keys(seen)) server.on(event, () => seen[event]++);
  setup(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const clients = [];
  for (const [i, localAddress] of addresses.entries()) {
    const client = net.connect({ port: server.address().port, host: '127.0.0.1', localAddress });
    clients.push(client);
    client.on('error', () => {});
    const became = new Promise((resolve) => {
      client.on('data', (chunk) => resolve(String(chunk).split('\r\n')[0])).on('close', () => resolve('closed'));
    });
    client.write(GET);
    notes.push([localAddress, await became]);
    between(server, i);
  }
  notes.push(seen, await countOf(server));
  const closed = new Promise((resolve) => server.close(resolve));
  for (const client of clients) client.destroy();
  await closed;
  notes.push(await countOf(server));
  return notes;
}

const BOTH = ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.3'];
const SIX = ['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.3', '127.0.0.2'];

const CASES = [
  { name: 'as an option', options: () => ({ blockList: blocking('127.0.0.1') }) },
  { name: 'as a property', setup: (server) => { server.blockList = blocking('127.0.0.1'); } },
  { name: 'with nobody on it', options: () => ({ blockList: blocking() }) },
  {
    name: 'set while the server listens',
    between(server, i) { if (i === 1) server.blockList = blocking('127.0.0.1', '127.0.0.3'); },
  },
  {
    name: 'taken away while the server listens',
    options: () => ({ blockList: blocking('127.0.0.1') }),
    between(server, i) { if (i === 1) server.blockList = null; },
  },
  {
    name: 'changed while the server listens',
    setup: (server) => { server.blockList = blocking(); },
    between(server, i) { if (i === 1) server.blockList.addAddress('127.0.0.3'); },
  },
  {
    name: 'of another make',
    setup: (server) => { server.blockList = { check: (address, family) => family === 'ipv4' && address.endsWith('.2') }; },
  },
  {
    name: 'does not fill maxConnections',
    options: () => ({ blockList: blocking('127.0.0.1') }),
    setup: (server) => { server.maxConnections = 2; },
    addresses: SIX,
  },
];

for (const { name, addresses = BOTH, ...spec } of CASES) {
  test(`blockList: ${name}`, async () => {
    const expected = await guarded(run(node, addresses, spec), `node:http, ${name}`);
    assert.deepStrictEqual(await guarded(run(ours, addresses, spec), name), expected);
  });
}
