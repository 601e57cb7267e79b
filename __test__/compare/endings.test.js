'use strict';

// How responses end: with different arguments of `end` after different writes, sent at once
// (lib/connection/response.js) or later, on a connection of their own or behind others in a pipeline.

const { compare } = require('../support/harness.js');

const request = (method, version) => `${method} / HTTP/${version}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`;

const HEADS = {
  'no head of its own': () => {},
  'fields beyond ASCII': (res) => res.setHeader('X-A', '\xe9'),
  'a complete head': (res) => res.writeHead(200, { 'X-A': '\xe9' }),
  'a Content-Length': (res, length) => res.writeHead(200, { 'Content-Length': length, 'X-A': 'a' }),
  'a head that was sent': (res) => res.flushHeaders(),
  'a status without a body': (res) => res.writeHead(304),
};

const BODIES = {
  'nothing': [],
  'ASCII': ['Hello'],
  'a string': ['h\xe9llo \u20ac \ud83d'],
  'an empty string': [''],
  'latin1': ['h\xe9llo', 'latin1'],
  'hex': ['616263', 'hex'],
  'bytes': [new Uint8Array([0x61, 0, 0xe9])],
  'no bytes': [Buffer.alloc(0)],
  'null for the rest': ['Hello', null, null],
  'more than the high water mark': ['x'.repeat(100_000)],
};

for (const [method, version] of [['GET', '1.1'], ['HEAD', '1.1'], ['GET', '1.0']]) {
  compare(`${method} of HTTP/${version} ends with`, Object.entries(HEADS).flatMap(([head, prepare]) =>
    Object.entries(BODIES).map(([body, args]) => ({
      name: `${body} after ${head}`,
      handler(req, res) {
        prepare(res, Buffer.byteLength(args[0] ?? '', typeof args[1] === 'string' ? args[1] : 'utf8'));
        res.end(...args);
      },
      packets: [request(method, version), request(method, version)],
    }))));
}

compare('trailers end a response', [
  ['after ASCII', ['abc']],
  ['after nothing', []],
  ['after bytes', [Buffer.from('abc')]],
].map(([name, args]) => ({
  name,
  handler(req, res) {
    res.writeHead(200, { Trailer: 'X-T' });
    res.addTrailers({ 'X-T': 'of the end' });
    res.end(...args);
  },
  packets: [request('GET', '1.1'), request('GET', '1.1').repeat(2)],
})));

// All responses except the first of each packet are queued when they end.
const QUEUED = {
  'bodies of all kinds': (req, res, n) => res.end(...Object.values(BODIES)[n % 10]),
  'an end with a callback': (req, res, n, log) => res.end('x', () => log(`ended ${n}`)),
  'writes with callbacks': (req, res, n, log) => {
    res.write('a', () => log(`a of ${n}`));
    res.write(Buffer.from('b'), (error) => log(`b of ${n}: ${error}`));
    res.end('c', 'latin1', () => log(`c of ${n}`));
  },
  'a write in hex': (req, res) => {
    res.write('6162', 'hex');
    res.end();
  },
  'listeners of every event': (req, res, n, log) => {
    for (const event of ['socket', 'prefinish', 'finish', 'close']) res.on(event, () => log(`${event} of ${n}`));
    res.end('x');
  },
  'ticks and microtasks between': (req, res, n, log) => {
    process.nextTick(log, `tick of ${n}`);
    Promise.resolve().then(() => log(`microtask of ${n}`));
    res.on('finish', () => process.nextTick(log, `tick after finish of ${n}`));
    res.end('x');
  },
  'ticks of prefinish': (req, res, n, log) => {
    res.on('prefinish', () => process.nextTick(log, `tick of prefinish of ${n}`));
    res.on('finish', () => log(`finish of ${n}`));
    res.end('x');
  },
  'a prefinish that throws': (req, res, n, log) => {
    if (n === 0) res.on('prefinish', () => { throw new Error('of prefinish'); });
    try {
      res.end('x');
    } catch (error) {
      log(error.message);
    }
  },
  'strings in the encoding of the socket': (req, res, n) => {
    req.socket.setDefaultEncoding('latin1');
    res.end('h\xe9llo');
  },
  'the third destroyed': (req, res, n) => {
    if (n === 2) res.destroy();
    else res.end('x');
  },
  'Connection: close in the second': (req, res, n) => {
    if (n === 1) res.setHeader('Connection', 'close');
    res.end('x');
  },
  'the second last to end': (req, res, n) => {
    if (n === 1) setImmediate(() => res.end('late'));
    else res.end('x');
  },
  'listeners of the socket counted': (req, res, n, log) => {
    const count = () => ['close', 'error', 'drain'].map((event) => req.socket.listenerCount(event)).join();
    log(`${n}: ${count()}`);
    res.on('finish', () => log(`finish of ${n}: ${count()}`));
    res.on('close', () => log(`close of ${n}: ${count()}`));
    res.end('x');
  },
  'a listener of the socket added and removed': (req, res, n, log) => {
    const listener = () => log('closed');
    req.socket.on('close', listener);
    res.on('finish', () => req.socket.removeListener('close', listener));
    res.end('x');
  },
};

compare('a pipeline whose responses have', Object.entries(QUEUED).map(([name, answer]) => ({
  name,
  setup(server, observer) {
    let n = 0;
    observer.handle = (req, res) => {
      const lane = observer.laneOf(req.socket);
      answer(req, res, n++, (line) => lane.record('log', line));
    };
  },
  packets: [request('GET', '1.1').repeat(5), request('GET', '1.1').repeat(12)],
})));
