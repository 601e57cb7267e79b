'use strict';

// Programs that take 'connection' over, with listeners instead of the server's own or beside it. They read the first
// bytes and pass the socket on: at once, later, wrapped, to another server, or never.

const http = require('node:http');
const { Duplex } = require('node:stream');
const { compare } = require('../support/harness.js');
const { describeError, describeRequest, maskWire, text } = require('../support/trace.js');
const implementations = require('../support/implementations.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const PROXIED = `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n${GET}`;
const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
const LONG = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(600)}\r\n\r\n`;
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';

/** Removes the server's own listeners and returns them. */
function keep(server) {
  const kept = server.listeners('connection');
  server.removeAllListeners('connection');
  return (socket) => { for (const listener of kept) listener.call(server, socket); };
}

/** Reads the first line of a socket and passes the rest on. */
function withoutLine(socket, pass) {
  socket.on('readable', function read() {
    const chunk = socket.read();
    if (chunk === null) return;
    socket.removeListener('readable', read);
    socket.unshift(chunk.subarray(chunk.indexOf('\n') + 1));
    pass(socket);
  });
}

/** Another server of the same implementation, which does not listen. */
function another(server, observer, options, name) {
  const { createServer: create } = server.clientErrorCounts ? implementations.ours : implementations.node;
  const other = create(options, (req, res) => {
    observer.laneOf(req.socket).record(name, req.url, req.socket.server === other);
    res.end(name);
  });
  other.on('clientError', (err, socket) => {
    observer.laneOf(socket).record(`${name} clientError`, describeError(err).own.find(([key]) => key === 'code')?.[2]);
    socket.end(`HTTP/1.1 400 ${name}\r\n\r\n`);
  });
  return other;
}

// name: what is done to the server before it listens.
const WAYS = {
  'the kept listener, at once': (server) => {
    const pass = keep(server);
    server.on('connection', pass);
  },
  'the kept listener, on the next tick': (server) => {
    const pass = keep(server);
    server.on('connection', (socket) => process.nextTick(pass, socket));
  },
  'the kept listener, in a later turn': (server) => {
    const pass = keep(server);
    server.on('connection', (socket) => setImmediate(() => setImmediate(pass, socket)));
  },
  'the kept listener, of a paused socket': (server) => {
    const pass = keep(server);
    server.on('connection', (socket) => {
      socket.pause();
      setImmediate(() => {
        pass(socket);
        socket.resume();
      });
    });
  },
  'the kept listener, once there is something to read': (server) => {
    const pass = keep(server);
    server.on('connection', (socket) => socket.once('readable', () => pass(socket)));
  },
  'the kept listener, after the first chunk was put back': (server) => {
    const pass = keep(server);
    server.on('connection', (socket) => socket.once('data', (chunk) => {
      socket.pause();
      socket.unshift(chunk);
      pass(socket);
      socket.resume();
    }));
  },
  'a listener before ours': (server, observer) => {
    server.prependListener('connection', (socket) => observer.laneOf(socket).record('before', socket.listenerCount('data')));
  },
  'a listener before ours that pauses': (server) => {
    server.prependListener('connection', (socket) => {
      socket.pause();
      setImmediate(() => socket.resume());
    });
  },
  'a listener behind ours that pauses': (server) => {
    server.on('connection', (socket) => {
      socket.pause();
      setImmediate(() => socket.resume());
    });
  },
  'a listener once': (server, observer) => {
    server.once('connection', (socket) => observer.laneOf(socket).record('once'));
  },
  'a listener once in the place of ours': (server) => {
    const pass = keep(server);
    server.once('connection', pass);
  },
  'the kept listener once more': (server) => {
    const [own] = server.listeners('connection');
    server.prependOnceListener('connection', function (socket) {
      server.removeListener('connection', own);
      own.call(this, socket);
      server.on('connection', own);
    });
  },
  'no listener at all': (server) => {
    server.removeAllListeners('connection');
  },
  'plain TCP': (server) => {
    server.removeAllListeners('connection');
    server.on('connection', (socket) => {
      socket.write('plain ');
      socket.on('data', (chunk) => socket.write(`echo ${chunk.length}`));
      socket.on('end', () => socket.end('bye'));
    });
  },
  'plain TCP in one way': (server) => {
    server.removeAllListeners('connection');
    server.on('connection', (socket) => socket.end('go away'));
  },
  'a wrapped socket': (server) => {
    const pass = keep(server);
    server.on('connection', (socket) => {
      const wrapped = new Duplex({
        read() { socket.resume(); },
        write(chunk, encoding, callback) { socket.write(chunk, encoding, callback); },
        final(callback) { socket.end(callback); },
        destroy(err, callback) {
          socket.destroy();
          callback(err);
        },
      });
      wrapped.remotePort = socket.remotePort;
      socket.on('data', (chunk) => { if (!wrapped.push(chunk)) socket.pause(); });
      socket.on('end', () => wrapped.push(null));
      socket.on('close', () => wrapped.destroy());
      pass(wrapped);
    });
  },
  'emit that keeps \'connection\' back': (server) => {
    const { emit } = server;
    server.emit = function (event, ...rest) {
      if (event !== 'connection') return Reflect.apply(emit, this, [event, ...rest]);
      setImmediate(() => Reflect.apply(emit, this, [event, ...rest]));
      return true;
    };
  },
  'another server': (server, observer) => {
    keep(server);
    const other = another(server, observer, { maxHeaderSize: 300, requireHostHeader: false }, 'other');
    server.on('connection', (socket) => other.emit('connection', socket));
  },
  'another server, in a later turn': (server, observer) => {
    keep(server);
    const other = another(server, observer, { maxHeaderSize: 300 }, 'other');
    server.on('connection', (socket) => setImmediate(() => setImmediate(() => other.emit('connection', socket))));
  },
  'another server\'s kept listener': (server, observer) => {
    keep(server);
    const other = another(server, observer, { insecureHTTPParser: true }, 'other');
    const pass = keep(other);
    server.on('connection', pass);
  },
  'http._connectionListener': (server) => {
    keep(server);
    server.on('connection', http._connectionListener);
  },
};

const PACKETS = {
  'a request': [GET],
  'two in one packet, and another': [GET + GET, GET],
  'a body': [POST, GET],
  'a refusal': ['BAD\r\n\r\n'],
  'a long head': [LONG],
  'no host': ['GET / HTTP/1.1\r\n\r\n'],
  'half a head': ['GET / HT', 'TP/1.1\r\nHost: a\r\n\r\n'],
  'an upgrade': [UPGRADE, 'more'],
  'FIN at once': [{ fin: true }],
  'a lenient head': ['GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n'],
};

// What two parsers of one connection make of an upgrade is of no use to anybody (docs/differences.md).
const UNWANTED = new Set(['the kept listener once more, an upgrade']);

for (const [way, setup] of Object.entries(WAYS)) {
  const packetsOf = Object.entries(PACKETS).filter(([what]) => !UNWANTED.has(`${way}, ${what}`));
  compare(`'connection' taken over: ${way}`, packetsOf.map(([what, packets]) => ({
    name: what,
    // Reads everything, so that the connection is at rest after it.
    handler: 'echo',
    packets,
    modes: ['listener'],
    setup(server, observer) {
      server.on('upgrade', (req, socket, head) => {
        observer.laneOf(req.socket).record('upgrade', describeRequest(req), text(head));
        socket.on('error', () => {}).on('data', (chunk) => socket.end(`got ${chunk}`));
        socket.write('HTTP/1.1 101 X\r\n\r\n');
      });
      setup(server, observer);
    },
  })));
}

compare('\'connection\' taken over: a PROXY line', ['at once', 'later', 'another'].map((when) => ({
  name: when,
  handler: 'echo',
  packets: [PROXIED, GET],
  modes: ['listener'],
  setup(server, observer) {
    const pass = keep(server);
    const other = another(server, observer, {}, 'other');
    server.on('connection', (socket) => withoutLine(socket, (rest) => {
      if (when === 'at once') pass(rest);
      else if (when === 'later') setImmediate(pass, rest);
      else other.emit('connection', rest);
    }));
  },
})));

// A change by a listener holds for connections that are accepted later.
compare('\'connection\' taken over: while connections come', [{
  name: 'listeners are exchanged between two connections',
  modes: ['listener'],
  async script({ server, connect, send, note, quiet }) {
    const first = await connect('first');
    await send(first, GET);
    const kept = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket) => socket.end('plain'));
    const second = await connect('second');
    await quiet();
    await send(first, GET);
    server.removeAllListeners('connection');
    for (const listener of kept) server.on('connection', listener);
    const third = await connect('third');
    await send(third, GET);
    note([first, second, third].map(({ wire, end }) => [maskWire(wire), end]));
  },
}]);

// The first one gets the bytes.
compare('\'connection\' taken over: twice', [
  { name: 'the same server', setup: (server) => twice(server, server) },
  { name: 'and by another', setup: (server, observer) => twice(server, another(server, observer, {}, 'other')) },
].map((spec) => ({ ...spec, handler: 'hello', packets: [GET, GET, UPGRADE], modes: ['listener'] })));

function twice(server, other) {
  server.on('connection', (socket) => {
    if (socket.seen) return;
    socket.seen = true;
    other.emit('connection', socket);
  });
}

// They are among the server's connections, as without the program's listener.
compare('\'connection\' taken over: closing', ['closeIdleConnections', 'closeAllConnections', 'close'].map((method) => ({
  name: method,
  handler: 'hold',
  modes: ['listener'],
  setup(server) {
    const pass = keep(server);
    server.on('connection', pass);
  },
  async script({ server, observer, connect, send, note, quiet }) {
    const silent = await connect('silent');
    const begun = await connect('begun');
    const served = await connect('served');
    const pending = await connect('pending');
    await quiet();
    await send(begun, 'GET / HT');
    await send(served, GET);
    observer.held[0].end('x');
    await quiet();
    await send(pending, GET);
    server[method]();
    await quiet();
    note([silent, begun, served, pending].map(({ end }) => end));
  },
})));
