'use strict';

// What the clock ends. The intervals are tiny, and each case waits for what must come of them.

const { compare } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n';

const HEADERS = { headersTimeout: 100, requestTimeout: 100_000, connectionsCheckingInterval: 10 };
const REQUEST = { headersTimeout: 0, requestTimeout: 100, connectionsCheckingInterval: 10 };
const KEEP = { keepAliveTimeout: 20, keepAliveTimeoutBuffer: 10 };

/** Sends packets on one connection, then waits until the server has ended it. */
function outlasted(...packets) {
  return async ({ connect, send }) => {
    const lane = await connect();
    for (const packet of packets) await send(lane, packet);
    await lane.untilEnd();
  };
}

/** As outlasted, but a listener keeps the connection: waits for so many events instead. */
function reported(name, nth, ...packets) {
  return async ({ connect, send }) => {
    const lane = await connect();
    for (const packet of packets) await send(lane, packet);
    await lane.untilLogged(name, nth);
  };
}

const LATE = [
  ['a silent connection', HEADERS],
  ['half a head', HEADERS, 'GET / HT'],
  ['half a second head', HEADERS, GET, 'GET / HT'],
  ['a silent connection and requestTimeout', REQUEST],
  ['half a head and requestTimeout', REQUEST, 'GET / HT'],
  ['half a body', REQUEST, `${POST}abc`],
];

compare('an overdue request', LATE.flatMap(([name, options, ...packets]) => [
  {
    name: `of ${name}`,
    options,
    modes: ['default', 'watched', 'ending', 'careful'],
    // A packet that comes too late on a slow machine makes a reset of the FIN.
    anyEnd: true,
    script: outlasted(...packets),
  },
  {
    name: `of ${name} that a listener keeps`,
    options,
    modes: ['listener'],
    script: reported('clientError', 1, ...packets),
  },
]));

compare('an overdue request', [
  {
    name: 'that has a reply pending',
    options: REQUEST,
    handler: 'hold',
    modes: ['default', 'listener'],
    script: async ({ connect, send, observer }) => {
      const lane = await connect();
      await send(lane, `${GET}`);
      const other = await connect();
      await send(other, 'GET');
      // The checker has run when it has found the other connection.
      await other.until(() => other.end !== 'open' ||
        other.log.some(([name]) => name === 'clientError'));
      observer.held[0].end('in time');
    },
  },
  {
    name: 'whose listener writes',
    options: HEADERS,
    modes: ['default'],
    async script({ server, observer, connect, send }) {
      server.on('clientError', (err, socket) => {
        observer.clientError(err, socket);
        socket.end(`HTTP/1.1 408 ${err.code}\r\n\r\n`);
      });
      const lane = await connect();
      await send(lane, 'GET');
      await lane.untilEnd();
    },
  },
  {
    name: 'after a parse error that a listener kept',
    options: HEADERS,
    script: reported('clientError', 2, 'BAD'),
  },
]);

compare('an idle connection', [
  {
    name: 'is closed after keepAliveTimeout',
    options: KEEP,
    modes: ['default', 'watched'],
    script: outlasted(GET),
  },
  {
    name: 'is announced with its timeout',
    options: { keepAliveTimeout: 2500 },
    script: async ({ connect, send }) => send(await connect(), GET),
  },
  {
    name: 'is announced with its timeout and its limit',
    options: { keepAliveTimeout: 7000 },
    async script({ server, connect, send }) {
      server.maxRequestsPerSocket = 9;
      await send(await connect(), GET);
    },
  },
  {
    name: 'is not closed for a keepAliveTimeout of 0',
    options: { keepAliveTimeout: 0 },
    script: async ({ connect, send }) => send(await connect(), GET),
  },
  {
    name: 'is closed by server.timeout',
    modes: ['default', 'watched'],
    async script({ server, connect, send }) {
      server.timeout = 150;
      server.keepAliveTimeout = 0;
      const lane = await connect();
      await send(lane, GET);
      await lane.untilEnd();
    },
  },
  {
    name: 'is not closed while a timeout listener is there',
    async script({ server, connect, send, note }) {
      const socket = new Promise((resolve) => server.setTimeout(100, resolve));
      const lane = await connect();
      const { destroyed, writable } = await socket;
      note(destroyed, writable);
      await send(lane, GET);
    },
  },
  {
    name: 'before its first request is closed by server.timeout',
    modes: ['default', 'watched'],
    async script({ server, connect }) {
      server.timeout = 150;
      await (await connect()).untilEnd();
    },
  },
]);

compare('a request', [
  {
    name: 'that takes longer than server.timeout',
    handler: 'hold',
    modes: ['default', 'watched'],
    async script({ server, connect, send }) {
      server.timeout = 150;
      const lane = await connect();
      await send(lane, GET);
      await lane.untilEnd();
    },
  },
  {
    name: 'with a timeout of its own',
    handler(req, res, observer) {
      const lane = observer.laneOf(req.socket);
      req.setTimeout(20, () => {
        lane.record('req timeout');
        res.end('timed out');
      });
    },
    async script({ connect, send }) {
      const lane = await connect();
      await send(lane, `${POST}ab`);
      await lane.untilLogged('req timeout');
    },
  },
  {
    name: 'with a timeout of its response',
    handler(req, res, observer) {
      const lane = observer.laneOf(req.socket);
      res.setTimeout(20, () => {
        lane.record('res timeout');
        res.end('timed out');
      });
    },
    async script({ connect, send }) {
      const lane = await connect();
      await send(lane, GET);
      await lane.untilLogged('res timeout');
    },
  },
  {
    name: 'with a timeout of its socket',
    handler(req, res, observer) {
      const lane = observer.laneOf(req.socket);
      req.socket.setTimeout(20);
      req.socket.on('timeout', () => lane.record('socket timeout'));
    },
    async script({ connect, send }) {
      const lane = await connect();
      await send(lane, GET);
      await lane.untilEnd();
    },
  },
]);
