'use strict';

// drops-app.js WAY: a server that drops one connection at `maxConnections` and, if Node has block lists, one of a
// blocked address. It prints as JSON what it has reported of both.

const cluster = require('node:cluster');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const ferrohttp = require('../../index.js');
const ferrohttps = require('../../entry/https.js');
const { format } = require('../../lib/observe/index.js');
const { print } = require('./support.js');
const { hasBlockList } = require('../../lib/host/servers.js');

const [, , way, heard] = process.argv;
cluster.schedulingPolicy = way === 'cluster-rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;

function makeServer() {
  if (way !== 'https') return ferrohttp.createServer();
  const fixture = (name) => fs.readFileSync(path.join(__dirname, '../frameworks/fixtures', `test-only-localhost.${name}.pem`));
  return ferrohttps.createServer({ key: fixture('key'), cert: fixture('cert') });
}

async function dropped(port) {
  const client = net.connect(port, '127.0.0.1');
  client.on('error', () => {}); // the kernel decides whether FIN or RST comes
  await once(client.resume(), 'close');
}

async function serve() {
  const server = makeServer();
  let drops = 0;
  if (heard === 'heard') server.on('drop', () => drops++);
  server.dropMaxConnection = true; // a worker drops such a connection and does not give it to another worker
  server.maxConnections = 1;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const first = way === 'https' ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }) : net.connect(port, '127.0.0.1');
  first.on('error', () => {});
  await once(first, way === 'https' ? 'secureConnect' : 'connect');
  const open = () => new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
  while (await open() < 1) await new Promise(setImmediate);
  await dropped(port);
  server.maxConnections = 10;
  if (hasBlockList()) {
    server.blockList = new net.BlockList();
    server.blockList.addAddress('127.0.0.1');
    await dropped(port);
  }
  const { total, dropped: count, kinds, peers } = server.refusalStats();
  const texts = server.refusals().map(format);
  const refusals = server.refusals().map(({ time, peer, local, ...rest }) => ({
    ...rest, recent: Math.abs(Date.now() - time) < 60_000, peer: peer?.address, port: local?.port === port,
  }));
  first.destroy();
  server.close();
  return { blocks: hasBlockList(), drops, total, count, kinds, peers, refusals, errors: server.clientErrorCounts(), texts };
}

print(serve, way.startsWith('cluster'));
