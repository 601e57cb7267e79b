'use strict';
// Large bodies are read into the memory of the Buffers that handlers get.

const assert = require('node:assert');
const net = require('node:net');
const { once } = require('node:events');
const test = require('node:test');
const { Worker } = require('node:worker_threads');
const { createServer } = require('../..');

const PACKET = 65536;
const MIB = 2 ** 20;

/** Bytes that show their place in the body. */
function bytes(length) {
  const words = new Uint32Array(length / 4);
  for (let i = 0; i < words.length; i++) words[i] = i * 2654435761;
  return Buffer.from(words.buffer);
}

function chunked(body, size) {
  const parts = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    parts.push(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n');
  }
  return Buffer.concat([...parts, '0\r\n\r\n'].map((part) => Buffer.from(part)));
}

async function listen(t, handler) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  t.after(() => { server.close(); server.closeAllConnections(); });
  await once(server, 'listening');
  return server;
}

function send(t, server, ...parts) {
  const socket = net.connect(server.address().port, '127.0.0.1').on('error', () => {});
  t.after(() => socket.destroy());
  socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
  return socket;
}

for (const [name, framing, frame] of [
  ['Content-Length', `Content-Length: ${8 * MIB}`, (body) => body],
  ['chunks as large as packets', 'Transfer-Encoding: chunked', (body) => chunked(body, PACKET)],
  ['chunks of several packets', 'Transfer-Encoding: chunked', (body) => chunked(body, 300_000)],
  ['small chunks', 'Transfer-Encoding: chunked', (body) => chunked(body, 10_000)],
]) {
  test(`kept chunks keep their bytes, each in memory of its own: ${name}`, async (t) => {
    const body = bytes(8 * MIB);
    const kept = [];
    const server = await listen(t, (req, res) => {
      if (req.method === 'GET') return res.end();
      req.on('data', (chunk) => {
        kept.push(chunk);
        // Writing to a chunk does not change other chunks.
        if (kept.length % 3 === 0) {
          kept[kept.length - 1] = Buffer.from(chunk);
          chunk.fill(0);
        }
      });
      req.on('end', () => res.end());
    });
    const socket = send(t, server, `POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`, frame(body),
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    socket.resume();
    await once(socket, 'end');
    assert.ok(Buffer.concat(kept).equals(body));
    // As in Node, the ArrayBuffer has the chunk and nothing else.
    const whole = kept.filter((_, i) => i % 3 !== 2);
    assert.ok(whole.every((chunk) => chunk.byteOffset === 0 && chunk.buffer.byteLength === chunk.length));
    assert.ok(kept.every((chunk) => chunk.length <= PACKET));
  });
}

test('an error behind the bytes of a large chunk tells the whole packet', async (t) => {
  const server = await listen(t, (req) => {
    req.on('error', () => {});
    // More than a packet waits at each read.
    req.on('data', (chunk) => {
      if (chunk.length > 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    });
  });
  const failed = once(server, 'clientError');
  const chunk = bytes(5 * PACKET - 20_000);
  send(t, server, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    `${chunk.length.toString(16)}\r\n`, chunk, '\r\nzz\r\n');
  const [error, socket] = await failed;
  socket.destroy();
  assert.strictEqual(error.code, 'HPE_INVALID_CHUNK_SIZE');
  const { rawPacket, bytesParsed } = error;
  assert.ok(rawPacket.length <= PACKET);
  assert.strictEqual(rawPacket.latin1Slice(bytesParsed), 'zz\r\n');
  assert.ok(rawPacket.subarray(0, bytesParsed - 2).equals(chunk.subarray(chunk.length - bytesParsed + 2)));
});

test('a worker is terminated in the middle of uploads', async (t) => {
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const kept = [];
    let seen = 0;
    const server = require(workerData).createServer((req) => {
      let chunks = 0;
      req.on('data', (chunk) => {
        kept[seen % 50] = chunk;
        // Some connections stop while a packet is on its way to JavaScript.
        if (req.url === '/1' && chunks++ === 20) req.pause();
        if (++seen === 200) parentPort.postMessage('busy');
      });
    }).listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const piece = Buffer.alloc(MIB);
  for (let round = 0; round < 5; round++) {
    const worker = new Worker(program, { eval: true, workerData: require.resolve('../..') });
    const [port] = await once(worker, 'message');
    const sockets = [];
    for (let i = 0; i < 4; i++) {
      const socket = net.connect(port, '127.0.0.1').on('error', () => {});
      sockets.push(socket);
      t.after(() => socket.destroy());
      socket.write(`POST /${i % 2} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n`);
      (function more() {
        while (!socket.destroyed && socket.write(piece));
        if (!socket.destroyed) socket.once('drain', more);
      })();
    }
    const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => { socket.on('close', resolve); })));
    await once(worker, 'message');
    await worker.terminate();
    await closed;
  }
});
