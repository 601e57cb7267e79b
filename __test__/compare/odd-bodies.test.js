'use strict';

// Bodies that look like a Uint8Array and are none, or that are one and have a false length. The bytes and the errors
// are those of Node.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const net = require('node:net');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { maskWire } = require('../support/trace.js');

const hello = () => Buffer.from('hello');
const says = (name, value) => () => Object.defineProperty(hello(), name, { value });
class Shorter extends Uint8Array {
  get byteLength() { return 3; }
}
class Fewer extends Uint8Array {
  get length() { return 3; }
}

const BODIES = {
  'a Buffer': hello,
  'an empty Buffer': () => Buffer.alloc(0),
  'a Buffer that says fewer bytes': says('byteLength', 2),
  'a Buffer that says no bytes': says('byteLength', 0),
  'a Buffer that says more bytes': says('byteLength', 9),
  'a Buffer that says fewer elements': says('length', 2),
  'a Buffer that says no elements': says('length', 0),
  'a class with byteLength': () => new Shorter([65, 66, 67, 68]),
  'a class with length': () => new Fewer([65, 66, 67, 68]),
  'a Proxy of a Buffer': () => new Proxy(hello(), {}),
  'a Proxy of a Uint8Array': () => new Proxy(new Uint8Array(3), {}),
  'an object with the prototype of Uint8Array': () => Object.create(Uint8Array.prototype),
  'an object with the prototype of Buffer': () => Object.create(Buffer.prototype),
  'a detached view': () => {
    const view = new Uint8Array(5).fill(65);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    return view;
  },
  'a view out of bounds': () => {
    const memory = new ArrayBuffer(8, { maxByteLength: 16 });
    const view = new Uint8Array(memory, 4, 4);
    memory.resize(2);
    return view;
  },
  'a view that has shrunk': () => {
    const memory = new ArrayBuffer(8, { maxByteLength: 16 });
    const view = new Uint8Array(memory).fill(66);
    memory.resize(4);
    return view;
  },
  'a view that has grown': () => {
    const memory = new ArrayBuffer(4, { maxByteLength: 16 });
    const view = new Uint8Array(memory);
    memory.resize(8);
    return view.fill(67);
  },
  'a shared view': () => new Uint8Array(new SharedArrayBuffer(4)).fill(68),
  'a Float64Array': () => new Float64Array(2),
  'a DataView': () => new DataView(new ArrayBuffer(3)),
  'a String object': () => new String('hey'),
  'an array': () => [1, 2],
};

const WAYS = {
  end: (res, body) => res.end(body),
  'end after a head': (res, body) => {
    res.writeHead(200, { 'Content-Length': 5 });
    res.end(body);
  },
  write: (res, body) => {
    res.write(body);
    res.end();
  },
  'end after a write': (res, body) => {
    res.write('x');
    res.end(body);
  },
  'a corked write': (res, body) => {
    res.cork();
    res.write('x');
    res.write(body);
    res.uncork();
    res.end();
  },
  'the socket': (res, body) => {
    res.socket.write(body);
    res.end('after');
  },
};

/** What a handler has seen, and what its client has received until the connection was closed. */
async function answer({ createServer }, way, body) {
  const seen = [];
  const server = createServer((req, res) => {
    const told = (error) => seen.push(`${error.name} ${error.code} ${error.message}`);
    res.on('error', told);
    res.socket.on('error', told);
    res.on('finish', () => seen.push('finish'));
    try {
      WAYS[way](res, BODIES[body]());
      seen.push(`_contentLength ${res._contentLength}`);
    } catch (error) {
      told(error);
      res.socket.destroy();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = net.connect(server.address().port, '127.0.0.1');
  let wire = '';
  client.on('data', (chunk) => { wire += chunk.latin1Slice(); });
  client.on('error', () => {});
  client.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => client.on('close', resolve));
  await new Promise((resolve) => server.close(resolve));
  return { seen, wire: maskWire(wire) };
}

for (const way of Object.keys(WAYS)) {
  test(`odd bodies, by ${way}`, async () => {
    for (const body of Object.keys(BODIES)) {
      const expected = await answer(node, way, body);
      assert.deepStrictEqual(await answer(ours, way, body), expected, body);
      assert.ok(expected.seen.length > 0);
    }
  });
}

// There the stream writes head and body as Node's does.
test('odd bodies at level plain', { skip: process.env.FERROHTTP_LEVEL !== undefined && 'this is one of the levels' }, () => {
  const { status, stdout } = spawnSync(process.execPath, [__filename], {
    encoding: 'utf8',
    env: { ...process.env, FERROHTTP_LEVEL: 'plain', NODE_TEST_CONTEXT: undefined }, // failures are shown without it
  });
  assert.strictEqual(status, 0, stdout);
});
