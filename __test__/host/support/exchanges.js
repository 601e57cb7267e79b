'use strict';
// The client of wrapped.js, in a thread of its own so that its sockets have prototypes of their own.

const net = require('node:net');
const { parentPort } = require('node:worker_threads');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

// Each has the packets of one connection. The next packet follows a response.
const EXCHANGES = {
  get: [LAST],
  kept: [GET, 'GET / HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\r\n', LAST],
  post: ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', LAST],
  unread: ['POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc', LAST],
  uploaded: ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n'],
  chunked: ['GET /chunked HTTP/1.1\r\nHost: a\r\n\r\n', LAST],
  later: ['GET /later HTTP/1.1\r\nHost: a\r\n\r\n', LAST],
  pipelined: [GET + GET.replace('/', '/later') + LAST],
  expected: ['POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n', 'a', LAST],
  refused: ['BAD\r\n\r\n'],
  refusedLater: [GET, 'BAD\r\n\r\n'],
  upgraded: ['GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', 'more'],
  half: [GET, null],
};

function exchange(port, packets) {
  return new Promise((resolve, reject) => {
    const client = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let next = 0;
    const send = () => {
      const packet = packets[next++];
      if (packet === null) client.end();
      else if (packet !== undefined) client.write(packet);
    };
    let received = '';
    client.on('data', (chunk) => {
      received += chunk.latin1Slice();
      // Complete answers, interim ones included.
      if (/(\r\n\r\n|end)$/.test(received)) send();
    });
    client.on('end', () => client.end());
    client.on('error', reject);
    client.on('close', resolve);
    send();
  });
}

parentPort.on('message', async (port) => {
  for (const packets of Object.values(EXCHANGES)) await exchange(port, packets);
  parentPort.postMessage('done');
});
