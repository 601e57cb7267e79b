'use strict';

// Limits on heads, fields, requests and connections.

const { compare } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const OVERFLOW = ['HPE_HEADER_OVERFLOW'];

function fields(count, first = 0) {
  return Array.from({ length: count }, (_, i) => `A${first + i}: b\r\n`).join('');
}

// '/', 'Host' and 'a' have 6 bytes, and 'X' has one more. So a value of 93 bytes makes a sum of 100.
function head(valueLength) {
  return `GET / HTTP/1.1\r\nHost: a\r\nX: ${'v'.repeat(valueLength)}\r\n\r\n`;
}

compare('maxHeaderSize', [
  { name: 'not reached', packets: [head(92)], split: true, codes: [] },
  { name: 'reached', packets: [head(93)], split: true, codes: OVERFLOW },
  { name: 'passed', packets: [head(94)], split: true, codes: OVERFLOW },
  { name: 'reached with blanks', packets: [
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'v'.repeat(50)}${' '.repeat(43)}\r\n\r\n`], codes: OVERFLOW },
  { name: 'reached in the target', packets: [`GET /${'p'.repeat(99)} HTTP/1.1\r\n\r\n`],
    split: true, codes: OVERFLOW },
  { name: 'reached in a name', packets: [`GET / HTTP/1.1\r\nHost: a\r\n${'N'.repeat(94)}: b\r\n\r\n`],
    split: true, codes: OVERFLOW },
  { name: 'reached by a bad value', packets: [
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'v'.repeat(93)}\x01\r\n\r\n`], codes: OVERFLOW },
  { name: 'of its own for the trailers', handler: 'echo', packets: [
    `${CHUNKED}1\r\na\r\n0\r\nX: ${'v'.repeat(90)}\r\n\r\n`], codes: [] },
  { name: 'reached in the trailers', handler: 'echo', packets: [
    `${CHUNKED}1\r\na\r\n0\r\nX: ${'v'.repeat(120)}\r\n\r\n`], codes: OVERFLOW },
  { name: 'of its own for each request', packets: [head(90) + head(90), head(90)], codes: [] },
].map((spec) => ({ options: { maxHeaderSize: 100 }, ...spec })));

compare('maxHeaderSize', [
  { name: 'of 16 KiB by default, not reached', packets: [head(16376)], codes: [] },
  { name: 'of 16 KiB by default, reached', packets: [head(16377)], codes: OVERFLOW },
  { name: 'of 0', options: { maxHeaderSize: 0 }, packets: [head(16377)], codes: OVERFLOW },
  { name: 'of 40,000', options: { maxHeaderSize: 40000 }, packets: [head(30000)], codes: [] },
  {
    name: 'changed on the server',
    setup(server) { server.maxHeaderSize = 50; },
    packets: [head(60)],
    codes: OVERFLOW,
  },
]);

compare('maxHeadersCount', [0, 1, 2, 5, 33, 64].flatMap((limit) => [-1, 0, 1, 40].map((more) => ({
  name: `of ${limit} with ${limit + more} fields`,
  setup(server) { server.maxHeadersCount = limit; },
  packets: [`GET / HTTP/1.1\r\nHost: a\r\n${fields(Math.max(0, limit + more - 1))}\r\n`],
  modes: ['default', 'listener'],
}))));

compare('maxHeadersCount', [
  {
    name: 'by default, 1000 fields',
    packets: [`GET / HTTP/1.1\r\nHost: a\r\n${fields(999)}\r\n`],
  },
  {
    name: 'by default, 1001 fields',
    packets: [`GET / HTTP/1.1\r\nHost: a\r\n${fields(1000)}\r\n`],
  },
  {
    name: 'of 2 with 3 trailers',
    setup(server) { server.maxHeadersCount = 3; },
    handler: 'echo',
    packets: [`${CHUNKED}1\r\na\r\n0\r\n${fields(4)}\r\n`],
  },
  ...[31, 32, 33, 62, 63, 64, 100].map((count) => ({
    name: `not reached by ${count} fields in two packets`,
    packets: [`GET / HTTP/1.1\r\nHost: a\r\n${fields(20)}`, `${fields(count - 21, 20)}\r\n`],
    modes: ['default', 'listener'],
  })),
]);

compare('maxRequestsPerSocket', [1, 2, 3].flatMap((limit) => [
  { name: `of ${limit}, one by one`, packets: Array(limit + 2).fill(GET) },
  { name: `of ${limit}, pipelined`, packets: [GET.repeat(limit + 2)] },
  {
    name: `of ${limit}, with dropRequest`,
    packets: Array(limit + 1).fill(GET),
    setup(server, observer) {
      server.maxRequestsPerSocket = limit;
      server.on('dropRequest', (req, socket) => {
        observer.laneOf(socket).record('dropRequest', req.url, socket === req.socket);
      });
    },
  },
].map((spec) => ({
  setup(server) { server.maxRequestsPerSocket = limit; },
  modes: ['default', 'watched'],
  ...spec,
}))));

compare('maxConnections', [
  {
    name: 'drops what is beyond it',
    modes: ['default', 'listener'],
    async script({ server, connect, send, note, quiet }) {
      server.maxConnections = 2;
      server.on('drop', (data) => note('drop', Object.keys(data).sort(), data.localAddress,
        data.remoteFamily, data.localPort === server.address().port));
      const lanes = [await connect(), await connect(), await connect()];
      await quiet();
      note('ends', lanes.map(({ end }) => end));
      await send(lanes[0], GET);
      lanes[0].fin();
      await quiet();
      const next = await connect();
      await send(next, GET);
    },
  },
  {
    name: 'of 0',
    async script({ server, connect, note, quiet }) {
      server.maxConnections = 0;
      const lane = await connect();
      await quiet();
      note(lane.end);
    },
  },
  {
    name: 'is seen by a drop listener added later',
    async script({ server, connect, note, quiet }) {
      server.maxConnections = 1;
      await connect();
      await quiet();
      server.once('drop', () => note('drop'));
      await connect();
      await quiet();
      await connect();
      await quiet();
    },
  },
]);
