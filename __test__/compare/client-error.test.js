'use strict';

// The 'clientError' event: its sources, the default replies, and what it does to a connection.

const events = require('node:events');
const net = require('node:net');
const { compare } = require('../support/harness.js');
const { describeSocket } = require('../support/trace.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const LONG = 'x'.repeat(17000);

compare('the end of input', [
  ['in a method', 'GE'],
  ['in a target', 'GET /ab'],
  ['in a version', 'GET / HTTP/1.'],
  ['in a header name', 'GET / HTTP/1.1\r\nHos'],
  ['in a header value', 'GET / HTTP/1.1\r\nHost: a'],
  ['before the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n'],
  ['in a body of known length', `${POST}Content-Length: 5\r\n\r\nabc`],
  ['before a body of known length', `${POST}Content-Length: 5\r\n\r\n`],
  ['in a chunk size', `${CHUNKED}5`],
  ['in a chunk', `${CHUNKED}5\r\nabc`],
  ['in the trailers', `${CHUNKED}0\r\nA: b\r\n`],
  ['in the second request', `${GET}GET / HT`],
].map(([name, packet]) => ({
  name, packets: [packet], split: packet.length < 40, handler: 'echo',
  codes: ['HPE_INVALID_EOF_STATE'],
})));

// Short packets and bodies take another way to JavaScript than long ones.
const LENGTHS = [1, 2, 3, 4, 5, 63, 64, 65, 1023, 1024, 1025, 4095, 4096, 4097];

compare('a refused packet', LENGTHS.map((length) => ({
  name: `of ${length} bytes`, packets: [`\x01${'x'.repeat(length - 1)}`], handler: 'echo', codes: ['HPE_INVALID_METHOD'],
})));

compare('a refused packet behind a body', LENGTHS.map((length) => ({
  name: `of ${length} bytes`,
  packets: [`${POST}Content-Length: ${length}\r\n\r\n${'b'.repeat(length)}\x01${'x'.repeat(length)}`],
  handler: 'echo',
  codes: ['HPE_INVALID_METHOD'],
})));

compare('the end of input', [
  { name: 'before anything', packets: [], codes: [] },
  { name: 'after line ends only', packets: ['\r\n\r\n'], codes: [] },
  { name: 'after a request', packets: [GET], codes: [] },
  {
    name: 'with a reply pending',
    packets: [GET],
    handler: 'hold',
    codes: [],
  },
  {
    name: 'with a reply pending and half-open connections',
    setup(server) { server.httpAllowHalfOpen = true; },
    packets: [GET, { fin: true }, { reply: [0, 'late'] }],
    handler: 'hold',
    through: true,
    codes: [],
  },
  {
    name: 'in a body with half-open connections',
    setup(server) { server.httpAllowHalfOpen = true; },
    packets: [`${POST}Content-Length: 5\r\n\r\nabc`, { fin: true }, { reply: [0, 'late'] }],
    handler: 'hold',
    through: true,
    codes: ['HPE_INVALID_EOF_STATE'],
  },
  {
    name: 'in a body with a reply sent',
    packets: [`${POST}Content-Length: 5\r\n\r\nabc`, { fin: true }],
    codes: ['HPE_INVALID_EOF_STATE'],
  },
  {
    name: 'after a parse error',
    packets: ['BAD', { fin: true }],
    through: true,
    codes: ['HPE_INVALID_METHOD'],
  },
]);

compare('a reset', [
  { name: 'before anything', packets: [{ reset: true }], codes: ['ECONNRESET'] },
  { name: 'in a head', packets: ['GET / HT', { reset: true }], codes: ['ECONNRESET'] },
  { name: 'after a reply', packets: [GET, { reset: true }], codes: ['ECONNRESET'] },
  {
    name: 'with a reply pending',
    packets: [GET, { reset: true }],
    handler: 'hold',
    codes: ['ECONNRESET'],
  },
  {
    name: 'with two replies pending',
    packets: [GET + GET, { reset: true }],
    handler: 'hold',
    codes: ['ECONNRESET'],
  },
  {
    name: 'in a body that is read',
    packets: [`${POST}Content-Length: 9\r\n\r\nabc`, { reset: true }],
    handler: 'hold',
    codes: ['ECONNRESET'],
  },
  {
    name: 'in a body that nobody reads',
    packets: [`${POST}Content-Length: 9\r\n\r\nabc`, { reset: true }],
    handler: 'ignore',
    codes: ['ECONNRESET'],
  },
  {
    name: 'after a parse error',
    packets: ['BAD', { reset: true }],
    codes: ['HPE_INVALID_METHOD'],
  },
  {
    name: 'in the middle of a reply',
    packets: [GET, { reset: true }],
    handler(req, res) { res.write('begin'); },
    codes: ['ECONNRESET'],
  },
]);

const REPLIES = [
  ['400 for a bad method', 'BAD', 'HPE_INVALID_METHOD'],
  ['431 for a long target', `GET /${LONG}`, 'HPE_HEADER_OVERFLOW'],
  ['431 for a long name', `GET / HTTP/1.1\r\n${LONG}`, 'HPE_HEADER_OVERFLOW'],
  ['431 for a long value', `GET / HTTP/1.1\r\nA: ${LONG}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  ['431 for many fields', `GET / HTTP/1.1\r\n${'Aaaa: bbbb\r\n'.repeat(2200)}\r\n`,
    'HPE_HEADER_OVERFLOW'],
  ['431 for long trailers', `${CHUNKED}0\r\nA: ${LONG}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  ['413 for a long extension', `${CHUNKED}1;${LONG}\r\na\r\n`, 'HPE_CHUNK_EXTENSIONS_OVERFLOW'],
];
compare('the default reply', REPLIES.flatMap(([name, packet, code]) => [
  { name, packets: [packet], handler: 'hold', codes: [code] },
  { name: `${name}, after a request`, packets: [GET, packet], codes: [code] },
  {
    name: `${name}, in pieces`,
    packets: packet.match(/[^]{1,3000}/g),
    handler: 'hold',
  },
]));

compare('the default reply and a response', [
  { name: 'that ended in the same packet', packets: [`${GET}BAD`] },
  { name: 'that ended in an earlier packet', packets: [GET, 'BAD'] },
  { name: 'that is pending', packets: [`${GET}BAD`], handler: 'hold' },
  { name: 'that is pending since an earlier packet', packets: [GET, 'BAD'], handler: 'hold' },
  {
    name: 'that has only a head',
    packets: [GET, 'BAD'],
    handler(req, res) { res.writeHead(200, { A: 'b' }); },
  },
  {
    name: 'whose head was flushed',
    packets: [GET, 'BAD'],
    handler(req, res) { res.flushHeaders(); },
  },
  {
    name: 'that has begun',
    packets: [GET, 'BAD'],
    handler(req, res) { res.write('begin'); },
  },
  {
    name: 'that ends in a microtask',
    packets: [`${GET}BAD`],
    handler(req, res) { queueMicrotask(() => res.end('x')); },
  },
  {
    name: 'that ends on the next tick',
    packets: [`${GET}BAD`],
    handler(req, res) { process.nextTick(() => res.end('x')); },
  },
  {
    name: 'that ends in a turn of its own',
    packets: [`${GET}BAD`],
    handler(req, res) { setImmediate(() => res.end('x')); },
  },
  { name: 'of three, one pending', packets: [`${GET}${GET}${GET}BAD`], handler: 'hold' },
  {
    name: 'with 100 Continue sent',
    packets: [`${POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`, 'abcBAD'],
    handler: 'hold',
  },
  {
    name: 'that was declined for want of a Host',
    packets: ['GET / HTTP/1.1\r\n\r\nBAD'],
  },
].map((spec) => ({ codes: ['HPE_INVALID_METHOD'], ...spec })));

compare('a connection that a listener keeps', [
  {
    name: 'gives an error for each packet',
    packets: ['BAD', 'more', GET, '\r\n'],
    through: true,
    codes: Array(4).fill('HPE_INVALID_METHOD'),
  },
  {
    name: 'gives the first error again after good requests',
    packets: [`${GET}${GET}BAD`, 'x', 'GET / HTTP/1.1\r\n'],
    through: true,
    codes: Array(3).fill('HPE_INVALID_METHOD'),
  },
  {
    name: 'still sends pending replies',
    packets: [`${GET}${GET}BAD`, { reply: [1, 'second'] }, { reply: [0, 'first'] }, 'more'],
    handler: 'hold',
    modes: ['listener'],
  },
  {
    name: 'still answers a request whose body broke',
    packets: [`${CHUNKED}3\r\nabc\r\nx`, { reply: [0, 'sorry'] }],
    handler: 'hold',
    modes: ['listener'],
  },
  {
    name: 'gives an error for each packet of a broken body',
    packets: [CHUNKED, '3\r\nabc\r\n', 'x', '3\r\nabc\r\n'],
    handler: 'hold',
    through: true,
    codes: Array(2).fill('HPE_INVALID_CHUNK_SIZE'),
  },
  {
    name: 'gives overflows again',
    packets: [`GET /${LONG}`, 'more'],
    through: true,
    codes: Array(2).fill('HPE_HEADER_OVERFLOW'),
  },
  {
    name: 'refuses each packet after Connection: close',
    packets: ['GET / HTTP/1.0\r\n\r\n', '\r\n', 'a', '\r\nb'],
    handler: 'hold',
    through: true,
    codes: Array(2).fill('HPE_CLOSED_CONNECTION'),
  },
]);

// What a listener can do with the socket.
const LISTENERS = {
  'ends it with bytes': (err, socket) => {
    socket.end('HTTP/1.1 400 No\r\n\r\n');
  },
  'ends it and looks at it': (err, socket, lane) => {
    socket.end('bye');
    lane.record('after end', describeSocket(socket));
  },
  'destroys it': (err, socket) => socket.destroy(),
  'destroys it with the error': (err, socket) => socket.destroy(err),
  'destroys it with another error': (err, socket) => socket.destroy(new TypeError('mine')),
  'writes, then destroys it': (err, socket) => {
    if (socket.writable) socket.write('{"error":true}');
    socket.destroy(err);
  },
  'writes and keeps it': (err, socket) => socket.write(`<${err.code}>`),
  'resets it': (err, socket) => socket.resetAndDestroy(),
  'ends it later': (err, socket, lane) => {
    setImmediate(() => socket.end('later', () => lane.record('ended')));
  },
  'adds an error listener, then destroys it': (err, socket, lane) => {
    socket.on('error', (again) => lane.record('socket error', again === err, again.message));
    socket.on('close', (hadError) => lane.record('socket close', hadError));
    socket.destroy(err);
  },
  'counts what it may': (err, socket, lane) => {
    lane.record('socket', {
      peer: net.isIP(socket.remoteAddress), family: socket.remoteFamily,
      samePort: socket.remotePort === lane.port, local: socket.localAddress,
      read: socket.bytesRead, written: socket.bytesWritten, pending: socket.pending,
      timeout: socket.timeout, server: socket.server === lane.server,
      connecting: socket.connecting, listeners: socket.eventNames().map(String),
    });
    socket.end();
  },
  'reads its address after the end': (err, socket, lane) => {
    socket.end();
    lane.record('address', socket.address().address, socket.remoteFamily);
  },
};

compare('a listener that', Object.entries(LISTENERS).flatMap(([name, listener]) => [
  ['', ['BAD', 'more'], 'hello'],
  [' while a reply is pending', [`${GET}BAD`, 'more'], 'hold'],
  [' in a body', [`${CHUNKED}3\r\nabc\r\nx`, 'more'], 'hold'],
].map(([where, packets, handler]) => ({
  name: name + where,
  handler,
  packets,
  through: name.includes('keeps'),
  modes: ['default', 'watched'],
  setup(server, observer) {
    server.on('clientError', (err, socket) => {
      const lane = observer.laneOf(socket);
      lane.server = server;
      observer.clientError(err, socket);
      listener(err, socket, lane);
    });
  },
}))));

compare('errors of the program\'s own', [
  {
    name: 'given to res.destroy',
    packets: [GET],
    handler(req, res) { res.destroy(new RangeError('res')); },
  },
  {
    name: 'given to req.destroy',
    packets: [GET],
    handler(req) { req.destroy(new RangeError('req')); },
  },
  {
    name: 'given to req.destroy in a body',
    packets: [`${POST}Content-Length: 5\r\n\r\nabc`, 'de'],
    handler(req) { req.on('data', () => req.destroy(new RangeError('req'))); },
  },
  {
    name: 'given to socket.destroy',
    packets: [GET],
    handler(req) { req.socket.destroy(Object.assign(new Error('s'), { code: 'MINE' })); },
  },
  {
    name: 'not given to socket.destroy',
    packets: [GET],
    handler(req) { req.socket.destroy(); },
  },
  {
    name: 'given to socket.destroy after a reply',
    packets: [GET],
    handler(req, res) { res.end('x', () => req.socket.destroy(new Error('late'))); },
  },
  {
    name: 'emitted on the socket',
    packets: [GET, GET],
    handler(req, res) {
      if (!req.socket.emittedBefore) req.socket.emit('error', new Error('emitted'));
      req.socket.emittedBefore = true;
      res.end('x');
    },
  },
  {
    name: 'with socket.resetAndDestroy',
    packets: [GET],
    handler(req) { req.socket.resetAndDestroy(); },
  },
]);

compare('errors in a body', [
  ['that is read', 'hold'],
  ['that nobody reads', 'ignore'],
  ['of a request that was answered', 'hello'],
].flatMap(([name, handler]) => [
  { name: `${name}, at once`, handler, packets: [`${CHUNKED}3\r\nabc\r\nx\r\n`] },
  { name: `${name}, later`, handler, packets: [CHUNKED, '3\r\nabc\r\n', 'x\r\n', 'y'] },
  { name: `${name}, in its trailers`, handler, packets: [CHUNKED, '0\r\nA b: c\r\n'] },
  { name: `${name}, after data of known length`, handler,
    packets: [`${POST}Content-Length: 3\r\n\r\nabcBAD`] },
]));

compare('a listener added', [
  {
    name: 'after the connection',
    modes: ['default'],
    packets: ['GE', {
      run({ server, clientError }) { server.on('clientError', clientError); },
    }, 'X'],
  },
  {
    name: 'and removed again',
    modes: ['listener'],
    packets: ['GE', {
      run({ server, clientError }) { server.removeListener('clientError', clientError); },
    }, 'X'],
  },
  {
    name: 'with once',
    modes: ['default'],
    setup(server, observer) { server.once('clientError', observer.clientError); },
    packets: ['BAD', 'more'],
  },
  {
    name: 'through a replaced emit',
    modes: ['default'],
    setup(server, observer) {
      const { emit } = server;
      server.emit = function(event, ...args) {
        if (event === 'clientError') observer.laneOf(args[1]).record('emit', args[0].code);
        return emit.call(this, event, ...args);
      };
    },
    packets: ['BAD', 'more'],
  },
  {
    name: 'through a replaced emit that says it was handled',
    modes: ['default'],
    setup(server, observer) {
      const { emit } = server;
      server.emit = function(event, ...args) {
        if (event !== 'clientError') return emit.call(this, event, ...args);
        observer.clientError(...args);
        return true;
      };
    },
    packets: ['BAD', 'more'],
  },
]);

compare('a refused request', [
  {
    name: 'leaves other connections alone',
    modes: ['default', 'listener'],
    async script({ connect, send }) {
      const good = await connect();
      const bad = await connect();
      await send(good, 'GET / HTTP/1.1\r\n');
      await send(bad, 'BAD');
      await send(good, 'Host: a\r\n\r\n');
      await send(good, GET);
    },
  },
  {
    name: 'is not counted as a connection any more',
    modes: ['default', 'listener'],
    async script({ server, connect, send, note }) {
      const count = () => new Promise((resolve) => {
        server.getConnections((err, n) => resolve(note('connections', err, n)));
      });
      const lane = await connect();
      await send(lane, 'GE');
      await count();
      await send(lane, 'BAD');
      await count();
    },
  },
]);

compare('a rejected promise of a handler', [
  {
    name: 'that is captured',
    options() {
      events.captureRejections = true;
      return {};
    },
    setup() { events.captureRejections = false; },
    packets: [GET, GET],
    async handler() { throw new Error('rejected'); },
  },
]);
