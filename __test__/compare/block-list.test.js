'use strict';

// `server.blockList`, an option and property of net.Server (Node 22.13 and later).

const net = require('node:net');
const { compare } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

function blocking(...addresses) {
  const list = new net.BlockList();
  for (const address of addresses) list.addAddress(address);
  return list;
}

/** Connections from some address, and what became of them; `settle` is called when all have come to rest. */
function from(addresses, { before = () => {}, between = () => {} } = {}) {
  return async ({ server, note, quiet }) => {
    const seen = { connection: 0, drop: 0 };
    for (const event of Object.keys(seen)) server.on(event, () => seen[event]++);
    before(server);
    const ends = [];
    for (const [i, localAddress] of addresses.entries()) {
      const client = net.connect({ port: server.address().port, host: '127.0.0.1', localAddress });
      ends.push(client);
      let wire = '';
      client.on('data', (chunk) => { wire += chunk; }).on('error', () => {});
      const over = new Promise((resolve) => client.on('close', () => resolve('closed')).on('data', () => resolve('served')));
      client.on('connect', () => client.write(GET));
      note(localAddress, await over, wire.split('\r\n')[0]);
      between(server, i);
    }
    await quiet();
    note(seen, await new Promise((resolve) => server.getConnections((err, count) => resolve(count))));
    for (const client of ends) client.destroy();
    await quiet();
    note('afterwards', await new Promise((resolve) => server.getConnections((err, count) => resolve(count))));
  };
}

const BOTH = ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.3'];
const modes = ['default', 'listener'];

compare('blockList', [
  { name: 'as an option', modes, options: () => ({ blockList: blocking('127.0.0.1') }), script: from(BOTH) },
  { name: 'as a property', modes, setup: (server) => { server.blockList = blocking('127.0.0.1'); }, script: from(BOTH) },
  { name: 'with nobody on it', modes, options: () => ({ blockList: blocking() }), script: from(BOTH) },
  {
    name: 'set while the server listens', modes,
    script: from(BOTH, { between(server, i) { if (i === 1) server.blockList = blocking('127.0.0.1', '127.0.0.3'); } }),
  },
  {
    name: 'taken away while the server listens', modes,
    options: () => ({ blockList: blocking('127.0.0.1') }),
    script: from(BOTH, { between(server, i) { if (i === 1) server.blockList = null; } }),
  },
  {
    name: 'changed while the server listens', modes,
    setup: (server) => { server.blockList = blocking(); },
    script: from(BOTH, { between(server, i) { if (i === 1) server.blockList.addAddress('127.0.0.3'); } }),
  },
  {
    name: 'of another make', modes,
    setup: (server) => { server.blockList = { check: (address, family) => family === 'ipv4' && address.endsWith('.2') }; },
    script: from(BOTH),
  },
  {
    name: 'does not fill maxConnections', modes,
    options: () => ({ blockList: blocking('127.0.0.1') }),
    setup: (server) => { server.maxConnections = 2; },
    script: from(['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.3', '127.0.0.2']),
  },
]);
