'use strict';

// Timeouts. The intervals are tiny, and each case waits for the events that must follow.

const { compare } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n';

const CHECKED = { connectionsCheckingInterval: 10 };
const HEADERS = { headersTimeout: 100, requestTimeout: 100_000 };
const REQUEST = { headersTimeout: 0, requestTimeout: 100 };
const KEEP = { keepAliveTimeout: 20, keepAliveTimeoutBuffer: 10 };

/**
 * Sends packets on one connection, and only then sets the limits, so that the packets come first even on a slow
 * machine.
 */
async function overdue({ server, connect, send }, limits, packets) {
  const lane = await connect();
  for (const packet of packets) await send(lane, packet);
  Object.assign(server, limits);
  return lane;
}

/** Waits until the server has ended the connection. */
function outlasted(limits, ...packets) {
  return async (script) => (await overdue(script, limits, packets)).untilEnd();
}

/** Does what `outlasted` does for a listener that keeps the connection: it waits for so many events instead. */
function reported(name, nth, limits, ...packets) {
  return async (script) => (await overdue(script, limits, packets)).untilLogged(name, nth);
}

/**
 * Sends a request on a connection that server.timeout ends. The time runs from the start of the connection. If it ends
 * before the request comes, another connection gets twice the time.
 */
async function timedOut({ server, observer, connect, send, quiet }) {
  for (server.timeout = 150; ; server.timeout *= 2) {
    const lane = await connect();
    await send(lane, GET);
    await lane.untilEnd();
    if (lane.requests) return;
    await quiet();
    observer.lanes.pop();
  }
}

const LATE = [
  ['a silent connection', HEADERS],
  ['half a head', HEADERS, 'GET / HT'],
  ['half a second head', HEADERS, GET, 'GET / HT'],
  ['a silent connection and requestTimeout', REQUEST],
  ['half a head and requestTimeout', REQUEST, 'GET / HT'],
  ['half a body', REQUEST, `${POST}abc`],
];

compare('an overdue request', LATE.flatMap(([name, limits, ...packets]) => {
  // If nothing is sent, the limits can be set from the start.
  const options = packets.length === 0 ? { ...CHECKED, ...limits } : CHECKED;
  return [
    {
      name: `of ${name}`,
      options,
      modes: ['default', 'watched', 'ending', 'careful'],
      script: outlasted(limits, ...packets),
    },
    {
      name: `of ${name} that a listener keeps`,
      options,
      modes: ['listener'],
      script: reported('clientError', 1, limits, ...packets),
    },
  ];
}));

compare('an overdue request', [
  {
    name: 'that has a reply pending',
    options: CHECKED,
    handler: 'hold',
    modes: ['default', 'listener'],
    script: async (script) => {
      const { observer, connect, send } = script;
      await send(await connect(), GET);
      const other = await overdue(script, REQUEST, ['GET']);
      // The checker has run once it has found the other connection.
      await other.until(() => other.end !== 'open' ||
        other.log.some(([name]) => name === 'clientError'));
      observer.held[0].end('in time');
    },
  },
  {
    name: 'whose listener writes',
    options: CHECKED,
    modes: ['default'],
    async script(script) {
      const { server, observer } = script;
      server.on('clientError', (err, socket) => {
        observer.clientError(err, socket);
        socket.end(`HTTP/1.1 408 ${err.code}\r\n\r\n`);
      });
      await (await overdue(script, HEADERS, ['GET'])).untilEnd();
    },
  },
  {
    name: 'after a parse error that a listener kept',
    options: CHECKED,
    script: reported('clientError', 2, HEADERS, 'BAD'),
  },
]);

compare('an idle connection', [
  {
    name: 'is closed after keepAliveTimeout',
    options: KEEP,
    modes: ['default', 'watched'],
    script: outlasted({}, GET),
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
    async script(script) {
      script.server.keepAliveTimeout = 0;
      await timedOut(script);
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
    script: timedOut,
  },
  {
    // The time runs from that request on.
    name: 'of a kept connection that takes longer than server.timeout',
    handler: 'hold',
    modes: ['default', 'watched'],
    options: { keepAliveTimeout: 100_000 },
    async script({ server, observer, connect, send }) {
      const lane = await connect();
      await send(lane, GET);
      observer.held[0].end('in time');
      await lane.untilLogged('res close');
      server.timeout = 20;
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
