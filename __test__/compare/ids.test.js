'use strict';

// The engine gives the id of a connection that it no longer owns to another one. What is done to one of them must not
// reach the other.

const { compare } = require('../support/harness.js');
const { maskWire } = require('../support/trace.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const REQUESTS = {
  upgrade: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  connect: 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
  data: 'GET /data HTTP/1.1\r\nHost: a\r\n\r\n',
  handle: 'GET /handle HTTP/1.1\r\nHost: a\r\n\r\n',
  unshift: 'GET /unshift HTTP/1.1\r\nHost: a\r\n\r\n',
};

/** Ways to make the engine give a connection away. */
function takers(server) {
  for (const event of ['upgrade', 'connect']) {
    server.on(event, (req, socket) => {
      socket.on('error', () => {}).on('end', () => socket.end());
      socket.on('data', (chunk) => socket.write(`echo ${chunk}`));
      socket.write('taken');
    });
  }
}

function handler(req, res) {
  const { socket } = req;
  if (req.url === '/data') socket.on('data', () => {});
  if (req.url === '/handle') void socket._handle;
  if (req.url === '/unshift') socket.unshift(Buffer.alloc(0));
  res.end('taken');
}

const MEANS = {
  closeAllConnections: (server) => server.closeAllConnections(),
  closeIdleConnections: (server) => server.closeIdleConnections(),
  close: (server) => server.close(),
  overdue: (server) => {
    server.headersTimeout = 1;
  },
};

function setup(mode) {
  return (server) => {
    takers(server);
    if (mode !== 'plain') server.on('clientError', (err, socket) => socket.end(`refused ${err.code}`));
  };
}

for (const [way, request] of Object.entries(REQUESTS)) {
  compare(`a connection after one that '${way}' took`, Object.entries(MEANS).flatMap(([name, act]) =>
    ['plain', 'clientError'].map((mode) => ({
      name: `${name}, ${mode}`,
      handler,
      options: { headersTimeout: 60_000, requestTimeout: 0, connectionsCheckingInterval: 20 },
      setup: setup(mode),
      modes: ['default'],
      async script({ server, connect, send, note, quiet }) {
        const taken = await connect('taken');
        await send(taken, request);
        const silent = await connect('silent');
        const begun = await connect('begun');
        await quiet();
        await send(begun, 'GET / HT');
        const served = await connect('served');
        await send(served, GET);
        act(server);
        if (name === 'overdue') await Promise.all([silent.untilEnd(), begun.untilEnd()]);
        server.headersTimeout = 60_000;
        await quiet();
        note('before', [taken, silent, begun, served].map(({ end }) => end));
        await send(taken, 'more');
        note('after', taken.end, maskWire(taken.wire));
        note('count', await new Promise((resolve) => server.getConnections((err, count) => resolve(count))));
      },
    }))));
}

// Many connections, one after the other, so that each id is used again and again.
compare('ids', [{
  name: 'are used again by connections that come and go',
  handler,
  setup: setup('clientError'),
  modes: ['default'],
  async script({ server, connect, send, note, quiet }) {
    const taken = [];
    for (let i = 0; i < 8; i++) {
      const lane = await connect(`taken ${i}`);
      await send(lane, REQUESTS[Object.keys(REQUESTS)[i % 5]]);
      taken.push(lane);
      const gone = await connect(`gone ${i}`);
      await send(gone, i % 2 ? GET : 'BAD');
      gone.fin();
      await quiet();
    }
    const last = await connect('last');
    await send(last, GET);
    server.closeAllConnections();
    await quiet();
    note(taken.map(({ end }) => end), last.end);
  },
}]);
