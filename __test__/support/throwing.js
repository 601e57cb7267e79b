'use strict';

// A program of throws.test.js. It runs its rows against both servers, in a process that goes on after uncaught errors,
// and prints one line of JSON for each row.
//
//   node throwing.js handler|capture|domain
//
// A row is a case of harness.js in which a listener or callback throws once for each server.

const { guarded, runScript } = require('./harness.js');
const implementations = require('./implementations.js');
const { HANDLERS } = require('./observer.js');
const { quiet } = require('./quiet.js');

const [, , way] = process.argv;

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n';
const EXPECT = `${POST.slice(0, -2)}Expect: 100-continue\r\n\r\n`;
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';
const CONNECT = 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n';
const LARGE = Buffer.alloc(8 << 20, 'x');

// What a listener that throws knows of: where it is noted.
let lanes = [];
let armed = false;
let inside = (action) => action();

function boom(name, socket) {
  if (!armed) return;
  armed = false;
  const lane = lanes.find(({ port }) => port !== undefined && port === socket?.remotePort) ?? lanes[0];
  lane?.record('throws', name);
  throw Object.assign(new Error(name), { lane });
}

function uncaught(err, how = 'uncaught') {
  if (!('lane' in err)) {
    console.error(err);
    process.exit(1);
  }
  err.lane?.record(how, err.message);
}

const WAYS = {
  handler: () => process.on('uncaughtException', (err) => uncaught(err)),
  capture: () => process.setUncaughtExceptionCaptureCallback((err) => uncaught(err)),
  domain() {
    // It does not catch an error of an 'error' listener.
    process.on('uncaughtException', (err) => uncaught(err, 'uncaught by the domain'));
    const domain = require('node:domain').create();
    domain.on('error', (err) => uncaught(err));
    inside = (action) => domain.run(action);
  },
};

/** A listener of a server that throws. */
const onServer = (event, packets, more = {}) => ({
  name: `server '${event}'`,
  packets,
  ...more,
  setup(server, observer) {
    more.setup?.(server, observer);
    server.on(event, (...args) => {
      const socket = args.find((arg) => arg?.remotePort !== undefined) ?? args[0]?.socket ?? args[1]?.socket;
      if (event === 'timeout') socket.setTimeout(0);
      boom(event, socket);
    });
  },
});

const onSocket = (event, packets, more = {}) => ({
  name: `socket '${event}'`,
  packets,
  ...more,
  setup(server, observer) {
    more.setup?.(server, observer);
    server.on('connection', (socket) => {
      const port = socket.remotePort;
      socket.on(event, () => {
        if (event === 'timeout') socket.setTimeout(0);
        boom(`socket ${event}`, { remotePort: port });
      });
    });
  },
});

/** A listener of a message that throws; `target` is 'req' or 'res'. */
const onMessage = (target, event, packets, more = {}) => ({
  name: `${target} '${event}'`,
  packets,
  ...more,
  handler(req, res, observer) {
    const { remotePort } = req.socket;
    const emitter = target === 'req' ? req : res;
    emitter.on(event, () => {
      if (event === 'timeout') req.socket.setTimeout(0);
      boom(`${target} ${event}`, { remotePort });
    });
    if (more.handler) more.handler(req, res, observer);
    else observer.readBody(req, () => res.end('hello'));
  },
});

/** A handler, in which something throws. */
const inHandler = (name, packets, handler, more = {}) => ({ name, packets, handler, ...more });

const thrower = (name, req) => {
  const { socket } = req;
  const { remotePort } = socket;
  return () => {
    if (name === 'timeout') socket.setTimeout(0);
    return boom(name, { remotePort });
  };
};

const PIPELINED = [GET + GET, GET];
const UPLOAD = [POST, 'abc', GET];

const ROWS = [
  onServer('connection', PIPELINED),
  onServer('request', PIPELINED),
  onServer('request', [POST, 'abc', GET], { name: 'server \'request\' with a body' }),
  onServer('request', [GET + GET + GET], { name: 'server \'request\' of three' }),
  onServer('checkContinue', [EXPECT, 'abc', GET]),
  onServer('checkExpectation', [EXPECT.replace('100-continue', 'x'), 'abc', GET]),
  onServer('upgrade', [UPGRADE, 'bytes']),
  onServer('upgrade', [`${GET}${UPGRADE}bytes`], { name: 'server \'upgrade\' behind a request' }),
  onServer('connect', [CONNECT, 'bytes']),
  onServer('clientError', ['BAD', 'more']),
  onServer('clientError', [`${GET}BAD`, 'more'], { name: 'server \'clientError\' behind a request' }),
  onServer('clientError', ['GET / HTTP/1.1\r\nHo', { fin: true }], { name: 'server \'clientError\' of FIN' }),
  onServer('clientError', [GET, { reset: true }], { name: 'server \'clientError\' of RST', handler() {} }),
  onServer('dropRequest', [GET + GET, GET], { setup: (server) => { server.maxRequestsPerSocket = 1; } }),
  // What Node drops then stays open for ever.
  onServer('drop', PIPELINED, { setup: (server) => { server.maxConnections = 1; }, lanes: 1 }),
  onServer('timeout', [GET], { waits: true, handler: (req) => req.socket.setTimeout(40) }),

  onSocket('data', PIPELINED),
  onSocket('data', UPLOAD, { name: 'socket \'data\' of an upload' }),
  onSocket('end', [GET, { fin: true }]),
  onSocket('end', [GET + GET, { fin: true }], { name: 'socket \'end\' with a reply pending', handler: HANDLERS.hold }),
  onSocket('close', [GET, { fin: true }]),
  onSocket('close', [GET, { reset: true }], { name: 'socket \'close\' after RST' }),
  onSocket('error', [GET, { reset: true }]),
  onSocket('error', [GET, { reset: true }], { name: 'socket \'error\' with a reply pending', handler() {} }),
  onSocket('finish', [GET, { fin: true }]),
  onSocket('prefinish', [GET, { fin: true }]),
  onSocket('timeout', [GET], { waits: true, handler: (req) => req.socket.setTimeout(40) }),
  onSocket('drain', [GET, GET], {
    handler(req, res) {
      res.write(LARGE);
      res.end();
    },
    waits: true,
  }),
  onSocket('pause', [POST, 'abc', GET], {
    handler(req, res) {
      req.socket.pause();
      setImmediate(() => req.socket.resume());
      res.end('hello');
    },
  }),

  onMessage('req', 'data', UPLOAD),
  onMessage('req', 'data', [`${POST}abc${GET}`, GET], { name: 'req \'data\' in one packet' }),
  onMessage('req', 'end', UPLOAD),
  onMessage('req', 'end', [GET + GET, GET], { name: 'req \'end\' without a body' }),
  onMessage('req', 'close', UPLOAD),
  onMessage('req', 'readable', UPLOAD, { handler(req, res) { req.on('end', () => res.end('x')).on('readable', () => req.read()); } }),
  onMessage('req', 'aborted', [POST, { fin: true }], { handler() {} }),
  onMessage('req', 'aborted', [POST, { reset: true }], { name: 'req \'aborted\' by RST', handler() {} }),
  onMessage('req', 'error', [POST, { fin: true }], { handler() {} }),
  onMessage('req', 'error', [POST, { reset: true }], { name: 'req \'error\' by RST', handler() {} }),
  onMessage('req', 'timeout', [POST], { waits: true, handler: (req) => req.setTimeout(40) }),
  onMessage('res', 'finish', PIPELINED),
  onMessage('res', 'prefinish', PIPELINED),
  onMessage('res', 'close', PIPELINED),
  onMessage('res', 'close', [POST, { fin: true }], { name: 'res \'close\' of an abort', handler() {} }),
  onMessage('res', 'timeout', [GET], { waits: true, handler: (req, res) => res.setTimeout(40) }),
  onMessage('res', 'drain', [GET, GET], {
    waits: true,
    handler(req, res) {
      res.write(LARGE);
      res.once('drain', () => res.end());
    },
  }),
  onMessage('res', 'error', [GET, GET], {
    handler(req, res) {
      res.end('hello');
      res.write('too late');
    },
  }),
  onMessage('res', 'pipe', UPLOAD, { handler: (req, res) => req.pipe(res) }),
  onMessage('res', 'unpipe', UPLOAD, { handler: (req, res) => req.pipe(res) }),

  inHandler('the callback of res.end', PIPELINED, (req, res) => res.end('x', thrower('end', req))),
  inHandler('the callback of res.write', PIPELINED, (req, res) => {
    res.write('x', thrower('write', req));
    res.end('y');
  }),
  inHandler('the callback of socket.write', [UPGRADE, 'bytes'], null, {
    setup: (server) => server.on('upgrade', (req, socket) => socket.write('x', thrower('write', req))),
  }),
  inHandler('the callback of socket.end', [UPGRADE, 'bytes'], null, {
    setup: (server) => server.on('upgrade', (req, socket) => socket.end('x', thrower('end', req))),
  }),
  inHandler('the callback of socket.end in \'clientError\'', ['BAD', 'more'], null, {
    setup: (server) => server.on('clientError', (err, socket) => socket.end('x', thrower('end', { socket }))),
  }),
  inHandler('the callback of res.setTimeout', [GET], (req, res) => res.setTimeout(40, thrower('timeout', req)), { waits: true }),
  inHandler('the callback of req.setTimeout', [POST], (req) => req.setTimeout(40, thrower('timeout', req)), { waits: true }),
  inHandler('the callback of socket.setTimeout', [GET], (req) => req.socket.setTimeout(40, thrower('timeout', req)), { waits: true }),
  inHandler('the callback of res.writeContinue', [EXPECT, 'abc', GET], (req, res) => {
    res.writeContinue(thrower('continue', req));
    req.resume().on('end', () => res.end('x'));
  }, { setup: (server) => server.on('checkContinue', server.listeners('request')[0]) }),
  inHandler('the callback of res.writeEarlyHints', PIPELINED, (req, res) => {
    res.writeEarlyHints({ link: '</a>; rel=preload' }, thrower('hints', req));
    res.end('x');
  }),
  inHandler('the callback of getConnections', PIPELINED, (req, res, observer) => {
    observer.server.getConnections(thrower('connections', req));
    res.end('x');
  }),
  inHandler('a tick of a handler', PIPELINED, (req, res) => {
    process.nextTick(thrower('tick', req));
    res.end('x');
  }),
  inHandler('a promise of a handler', PIPELINED, (req, res) => {
    Promise.resolve().then(thrower('promise', req));
    res.end('x');
  }),
  inHandler('a turn after a handler', PIPELINED, (req, res) => {
    setImmediate(thrower('immediate', req));
    res.end('x');
  }),
  inHandler('a getter of a header', PIPELINED, (req, res) => {
    res.setHeader('x', { toString: thrower('header', req) });
    res.end('x');
  }),
  inHandler('a handler that has answered', PIPELINED, (req, res) => {
    res.end('x');
    boom('handler', req.socket);
  }),
  inHandler('a handler that has begun', PIPELINED, (req, res) => {
    res.write('x');
    boom('handler', req.socket);
  }),
  inHandler('an async handler', PIPELINED, async (req, res) => {
    res.end('x');
    boom('async', req.socket);
  }),
  {
    name: '\'close\' of the server and the callback of close',
    packets: PIPELINED,
    last(server) {
      server.on('close', () => boom('close'));
      server.close(() => boom('closed'));
    },
  },
  {
    name: 'the callback of closed again',
    packets: PIPELINED,
    last(server) {
      server.close();
      server.close(() => boom('closed'));
    },
  },
  {
    name: '\'listening\' of a second server',
    packets: PIPELINED,
    async last() {
      const other = this.implementation.createServer();
      other.on('listening', () => boom('listening')).listen(0, '127.0.0.1');
      await quiet();
      other.close();
    },
  },
  {
    name: '\'error\' of a server that cannot listen',
    packets: PIPELINED,
    async last(server) {
      const other = this.implementation.createServer();
      other.on('error', () => boom('error')).listen(server.address().port, '127.0.0.1');
      await quiet();
    },
  },
];

/** Plays the row on one connection. Then another connection shows whether the server goes on. */
async function play(implementation, row, mode) {
  const spec = {
    ...row,
    // The program does not touch the second connection.
    handler(req, res, observer) {
      if (req.url !== '/second') return (row.handler ?? HANDLERS.hello)(req, res, observer);
      return res.end('second');
    },
    async script(t) {
      lanes = t.observer.lanes;
      const first = await t.connect('first');
      await t.quiet();
      armed = true;
      for (const packet of row.packets) {
        if (typeof packet === 'string') await t.send(first, packet);
        else if (packet.fin) first.fin();
        else first.reset();
        await t.quiet();
      }
      if (row.waits) {
        await guarded(first.untilLogged('throws'), row.name);
        await t.quiet();
      }
      const second = await t.connect('second');
      await t.send(second, GET.replace('/', '/second'));
      await row.last?.call({ implementation }, t.server);
      await t.quiet();
    },
  };
  return guarded(runScript(implementation, spec, mode), `${row.name}, ${mode}`);
}

async function main() {
  WAYS[way]();
  for (const row of ROWS) {
    for (const mode of ['default', 'listener', 'watched']) {
      const seen = [];
      for (const implementation of [implementations.node, implementations.ours]) {
        armed = false;
        seen.push(await inside(() => play(implementation, row, mode)));
      }
      const lanes = 1 + (row.lanes ?? 2);
      const [expected, actual] = seen.map((traces) => traces.slice(0, lanes));
      const alone = String(row.packets[0]).split('HTTP/1.1').length === 2;
      console.log(JSON.stringify({ name: `${row.name}, ${mode}`, alone, expected, actual }));
    }
  }
}

main().then(() => process.exit());
