'use strict';
// Sends each shipped vector to a server of ferrohttp and to one of node:http, and prints the vectors for which they show
// different things: requests with their bodies, errors, and what the client receives.

const net = require('node:net');
const { node, ours } = require('../../support/implementations.js');
const { quiet, stir } = require('../../support/quiet.js');
const { shippedCases } = require('../../../lib/host/check.js');
const { level } = require('../../../lib/host/level.js');

/** How many vectors are sent at the same time. */
const AT_ONCE = 16;

/** Everything that a server shows for the packets of one connection. */
async function shown(implementation, { packets, options }) {
  const told = [];
  const tell = (...entry) => {
    told.push(entry);
    stir();
  };
  const server = implementation.createServer({
    requireHostHeader: false,
    maxHeaderSize: options.maxHeaderSize,
    insecureHTTPParser: options.insecure,
  });
  if (options.maxHeaderPairs !== undefined) server.maxHeadersCount = options.maxHeaderPairs / 2;
  const about = (req) => [req.method, req.url, req.httpVersion, req.rawHeaders, req.upgrade];
  server.on('request', (req, res) => {
    tell('request', ...about(req));
    req.on('data', (chunk) => tell('body', chunk.latin1Slice()));
    req.on('end', () => tell('end', req.rawTrailers));
    res.end();
  });
  if (options.accept) {
    for (const event of ['upgrade', 'connect']) {
      server.on(event, (req, socket, head) => {
        tell(event, ...about(req), head.latin1Slice());
        socket.on('data', (chunk) => tell('raw', chunk.latin1Slice())).on('error', () => {}).on('end', () => socket.end());
      });
    }
  }
  server.on('clientError', ({ code, reason, bytesParsed, message }, socket) => {
    tell('clientError', code, reason, bytesParsed, message);
    socket.end();
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  let received = '';
  await new Promise((resolve) => {
    const client = net.connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true }, async () => {
      for (const packet of packets) {
        client.write(packet, 'latin1');
        if (packets.length > 1) await quiet();
      }
      client.end();
    });
    client.on('data', (chunk) => {
      received += chunk.latin1Slice();
      stir();
    });
    client.on('error', () => {}); // the server closes while bytes are unread
    client.on('close', resolve);
  });
  await new Promise((resolve) => { server.close(resolve); });
  return { told, received: received.replaceAll(/Date: .*\r\n/g, '') };
}

async function main() {
  const cases = [...shippedCases()];
  const kinds = {};
  const different = [];
  const compare = async (one) => {
    const [expected, actual] = await Promise.all([shown(node, one), shown(ours, one)]);
    for (const [kind] of expected.told) kinds[kind] = (kinds[kind] ?? 0) + 1;
    if (JSON.stringify(actual) !== JSON.stringify(expected)) different.push({ title: one.title, expected, actual });
  };
  // Where several packets are sent, each has to be read alone.
  const single = cases.filter(({ packets }) => packets.length === 1);
  const several = cases.filter(({ packets }) => packets.length > 1);
  while (single.length > 0) await Promise.all(single.splice(0, AT_ONCE).map(compare));
  for (const one of several) await compare(one);
  console.log(JSON.stringify({ level: level.name, cases: cases.length, kinds, different }));
}

main();
