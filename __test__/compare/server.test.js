'use strict';

// The server itself: listening, addresses, errors, counting and closing.

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { compare, guarded } = require('../support/harness.js');
const { node, ours } = require('../support/implementations.js');
const { quiet } = require('../support/quiet.js');
const { describeError } = require('../support/trace.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const BEGUN = 'GET / HTTP/1.1\r\nHo';

/** The body that a client gets; http.get takes a URL, or options such as a path. */
function bodyOf(where) {
  return new Promise((resolve, reject) => {
    const options = { agent: false };
    const read = async (res) => resolve((await res.setEncoding('utf8').toArray()).join(''));
    const request = typeof where === 'string' ? http.get(where, options, read) : http.get({ ...where, ...options }, read);
    request.on('error', reject);
  });
}

/** Runs `subject(createServer)` with both implementations and compares what it returns. */
function same(name, subject) {
  test(name, async () => {
    const expected = await guarded(subject(node.createServer), 'node:http');
    assert.deepStrictEqual(await guarded(subject(ours.createServer), 'ours'), expected);
  });
}

/** A path to listen on: of a socket or, on Windows, of a pipe. */
function temporaryPath(name) {
  if (process.platform === 'win32') return path.join('\\\\.\\pipe', `http-${process.pid}-${name}`);
  return path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'http-')), name);
}

/** The result of listen: the error that it throws or emits, or the address. */
async function listen(server, ...args) {
  const seen = [];
  const done = new Promise((resolve) => {
    server.on('listening', resolve);
    server.on('error', resolve);
    server.on('close', () => resolve('closed'));
  });
  try {
    const returned = server.listen(...args);
    seen.push(returned === server, 'listening', server.listening);
  } catch (err) {
    return ['thrown', describeError(err)];
  }
  const address = server.address();
  const known = address && typeof address === 'object' && address.port > 0;
  const failure = await done;
  if (failure === 'closed') return [...seen, failure, server.listening];
  if (failure) {
    // The port that the system has chosen is in the message, too.
    let described = JSON.stringify(describeError(failure));
    if (failure.port > 0) described = described.replaceAll(String(failure.port), '<port>');
    return [...seen, 'error', failure.code, described, server.listening];
  }
  const described = () => {
    const now = server.address();
    return typeof now === 'string' ? 'a path' : now && { ...now, port: now.port > 0 };
  };
  const result = [...seen, 'known at once', known, server.listening, described()];
  await new Promise((resolve) => server.close(resolve));
  return [...result, server.listening, described()];
}

async function listening(server, ...args) {
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(...args, resolve);
  });
  return server;
}

const FORMS = {
  'nothing': () => [],
  'undefined': () => [undefined],
  'null': () => [null],
  'a port of 0': () => [0],
  'a port as a string': () => ['0'],
  'a port and a host': () => [0, '127.0.0.1'],
  'a port and a name': () => [0, 'localhost'],
  'a port and IPv6': () => [0, '::1'],
  'a port and a backlog': () => [0, 5],
  'a port, a host and a backlog': () => [0, '127.0.0.1', 5],
  'options': () => [{ port: 0, host: '127.0.0.1', backlog: 3 }],
  'options with a port only': () => [{ port: 0 }],
  'options with IPv6 only': () => [{ port: 0, host: '::', ipv6Only: true }],
  'options with a path': () => [{ path: temporaryPath('a'), readableAll: true }],
  'a path': () => [temporaryPath('b')],
  'a path in no directory': () => ['/nonexistent/b'],
  'a callback only': () => [() => {}],
  'a port beyond the range': () => [65536],
  'a negative port': () => [-1],
  'a port that is no number': () => [NaN],
  'options without a port': () => [{}],
  'options with a bad port': () => [{ port: 'x' }],
  'options with a port of null': () => [{ port: null }],
  'a boolean': () => [true],
  'an address that is not here': () => [0, '192.0.2.1'],
  'a name that does not exist': () => [0, 'no-such-host.invalid'],
  'a signal that was aborted': () => [{ port: 0, signal: AbortSignal.abort() }],
  'a bad signal': () => [{ port: 0, signal: 1 }],
};
for (const [name, form] of Object.entries(FORMS)) {
  same(`listen: ${name}`, async (createServer) => listen(createServer(), ...form()));
}

same('listen: a port that is taken', async (createServer) => {
  const holder = net.createServer().listen(0);
  const { port } = holder.address();
  const results = [
    await listen(createServer(), port),
    await listen(createServer(), port, '127.0.0.1'),
    await listen(createServer(), { port, exclusive: true }),
  ];
  holder.close();
  return results;
});

same('listen: a port that a server of its own kind holds', async (createServer) => {
  const holder = createServer().listen(0);
  const result = await listen(createServer(), holder.address().port);
  await new Promise((resolve) => holder.close(resolve));
  return result;
});

same('listen: a path that is taken', async (createServer) => {
  const where = temporaryPath('c');
  const holder = createServer().listen(where);
  const result = JSON.stringify(await listen(createServer(), where)).replaceAll(where, '<path>');
  await new Promise((resolve) => holder.close(resolve));
  return [result, fs.existsSync(where)];
});

same('listen: twice', async (createServer) => {
  const server = createServer().listen(0);
  const again = await listen(server, 0);
  await new Promise((resolve) => server.close(resolve));
  const after = await listen(server, 0);
  return [again, after];
});

same('listen: again after an error', async (createServer) => {
  const holder = net.createServer().listen(0);
  const server = createServer();
  const failure = await new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(holder.address().port);
  });
  holder.close();
  server.removeAllListeners('error');
  return [failure.code, await listen(server, 0)];
});

same('listen: on a server\'s handle', async (createServer) => {
  const holder = await listening(net.createServer(), 0, '127.0.0.1');
  const { port } = holder.address();
  const server = createServer((req, res) => res.end(req.url));
  await new Promise((resolve) => server.listen(holder, resolve));
  const body = await bodyOf(`http://127.0.0.1:${port}/handle`);
  await new Promise((resolve) => server.close(resolve));
  return [body, server.address()];
});

same('listen: a unix path serves', async (createServer) => {
  const socketPath = temporaryPath('d');
  const server = createServer((req, res) => {
    res.end(JSON.stringify([req.socket.remoteAddress, req.socket.address(), req.url]));
  });
  await new Promise((resolve) => server.listen(socketPath, resolve));
  const body = await bodyOf({ socketPath, path: '/x' });
  await new Promise((resolve) => server.close(resolve));
  return [body, fs.existsSync(socketPath)];
});

same('listen: both address families by default', async (createServer) => {
  const server = createServer((req, res) => res.end(req.socket.remoteFamily));
  await new Promise((resolve) => server.listen(0, resolve));
  const { port } = server.address();
  const families = [];
  for (const host of ['127.0.0.1', '[::1]']) {
    families.push(await bodyOf(`http://${host}:${port}/`));
  }
  await new Promise((resolve) => server.close(resolve));
  return families;
});

same('listen: a signal closes', async (createServer) => {
  const controller = new AbortController();
  const server = createServer().listen({ port: 0, signal: controller.signal });
  await new Promise((resolve) => server.on('listening', resolve));
  controller.abort();
  await new Promise((resolve) => server.on('close', resolve));
  return [server.listening, server.address()];
});

same('a server that never listened', async (createServer) => {
  const server = createServer();
  const closing = await new Promise((resolve) => server.close(resolve));
  const disposing = await server[Symbol.asyncDispose]().catch((err) => err.code);
  const count = await new Promise((resolve) => server.getConnections((...args) => resolve(args)));
  return [describeError(closing), disposing, count, server.address(), server.listening];
});

same('a server closed twice', async (createServer) => {
  const server = createServer().listen(0);
  const events = [];
  server.on('close', () => events.push('close'));
  await new Promise((resolve) => server.close(resolve));
  const again = await new Promise((resolve) => server.close(resolve));
  return [events, again?.code];
});

same('asyncDispose of a listening server', async (createServer) => {
  const server = createServer().listen(0);
  await server[Symbol.asyncDispose]();
  return server.listening;
});

const OPTIONS = [
  undefined, null, {}, 'x', 1, true, [],
  { maxHeaderSize: -1 }, { maxHeaderSize: 1.5 }, { maxHeaderSize: '1' },
  { insecureHTTPParser: 1 }, { requestTimeout: -1 }, { headersTimeout: 'x' },
  { headersTimeout: 10, requestTimeout: 5 }, { headersTimeout: 10, requestTimeout: 0 },
  { keepAliveTimeout: NaN }, { connectionsCheckingInterval: -5 }, { requireHostHeader: 'no' },
  { joinDuplicateHeaders: 1 }, { highWaterMark: -1 }, { noDelay: false, keepAlive: true },
  { keepAliveInitialDelay: 1500 }, { rejectNonStandardBodyWrites: 1 }, { uniqueHeaders: 1 },
  { httpValidation: 'none' }, { httpValidation: 'strict', insecureHTTPParser: true },
  { shouldUpgradeCallback: 1 }, { optimizeEmptyRequests: 1 }, { keepAliveTimeoutBuffer: -1 },
];
same('the options of createServer', async (createServer) => OPTIONS.map((options) => {
  try {
    const server = createServer(options);
    return ['maxHeaderSize', 'insecureHTTPParser', 'httpValidation', 'requestTimeout',
      'headersTimeout', 'keepAliveTimeout', 'keepAliveTimeoutBuffer', 'timeout',
      'connectionsCheckingInterval', 'requireHostHeader', 'joinDuplicateHeaders',
      'rejectNonStandardBodyWrites', 'maxHeadersCount', 'maxRequestsPerSocket',
      'httpAllowHalfOpen', 'allowHalfOpen', 'pauseOnConnect', 'noDelay', 'keepAlive',
      'keepAliveInitialDelay', 'highWaterMark', 'listening', 'maxConnections']
      .map((key) => [key, Object.hasOwn(server, key), server[key]]);
  } catch (err) {
    return describeError(err);
  }
}));

same('who may use the path of a server', async (createServer) => {
  const seen = [];
  for (const options of [{}, { readableAll: true }, { writableAll: true }, { readableAll: true, writableAll: true }]) {
    const server = createServer();
    const where = temporaryPath('all');
    await new Promise((resolve) => server.listen({ path: where, ...options }, resolve));
    // On Windows the path is that of a pipe.
    if (process.platform !== 'win32') seen.push(fs.statSync(where).mode & 0o777);
    await new Promise((resolve) => server.close(resolve));
  }
  return seen;
});

// Node >= 26, and late releases of 24.
same('the type of service', async (createServer) => {
  const seen = [];
  const server = createServer((req, res) => {
    look(req.socket);
    res.end();
  });
  function look(socket) {
    if (socket.setTypeOfService === undefined) return;
    for (const tos of [8, 0, 999, 'a', undefined]) {
      try {
        seen.push(socket.setTypeOfService(tos) === socket, socket.getTypeOfService());
      } catch (err) {
        seen.push(describeError(err));
      }
    }
  }
  server.on('connection', look);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = net.connect(server.address().port, '127.0.0.1');
  client.write(GET);
  await new Promise((resolve) => client.on('data', resolve));
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  return seen;
});

same('the shape of a server', async (createServer) => {
  const listener = () => {};
  const server = createServer({ requestTimeout: 9 }, listener);
  return {
    http: server instanceof http.Server,
    net: server instanceof net.Server,
    listeners: server.eventNames().map((name) => [String(name), server.listenerCount(name)]),
    request: server.listeners('request')[0] === listener,
    names: createServer(listener).listeners('request').length,
    timeout: server.setTimeout(5) === server && server.timeout,
    ref: server.ref() === server && server.unref() === server,
  };
});

same('sockets of a connection', async (createServer) => {
  const server = createServer((req, res) => res.end('x'));
  const seen = [];
  server.on('connection', (socket) => {
    seen.push({
      socket: socket instanceof net.Socket,
      server: socket.server === server,
      listeners: ['data', 'end', 'close', 'drain', 'error', 'timeout', 'resume', 'pause']
        .map((name) => socket.listenerCount(name)),
      readable: socket.readable,
      writable: socket.writable,
      state: socket.readyState,
      connecting: socket.connecting,
      pending: socket.pending,
      handle: Boolean(socket._handle),
      address: [socket.remoteAddress, socket.remoteFamily, socket.localAddress, socket.localFamily,
        socket.localPort === server.address().port],
      allowHalfOpen: socket.allowHalfOpen,
      marks: [socket.readableHighWaterMark, socket.writableHighWaterMark],
      encoding: (() => {
        try {
          socket.setEncoding('utf8');
        } catch (err) {
          return err.code;
        }
      })(),
    });
    seen.push(socket.setNoDelay(true) === socket, socket.setKeepAlive(true, 1000) === socket,
      socket.setTimeout(0) === socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  await bodyOf(`http://127.0.0.1:${server.address().port}`);
  await new Promise((resolve) => server.close(resolve));
  return seen;
});

const DATA = { raw: true };
compare('a socket', [
  {
    name: 'with a data listener',
    setup(server, observer) {
      server.on('connection', (socket) => socket.on('data', (chunk) => {
        observer.laneOf(socket).record('data', String(chunk));
      }));
    },
    packets: [GET, GET + GET, 'GET / HTTP/1.1\r\nHo', 'st: a\r\n\r\n'],
  },
  {
    name: 'with a data listener from its first request on',
    handler(req, res, observer) {
      if (!req.socket.listened) {
        req.socket.listened = DATA;
        req.socket.on('data', (chunk) => {
          observer.laneOf(req.socket).record('data', String(chunk));
        });
      }
      res.end('x');
    },
    packets: [GET, GET + GET, GET],
  },
  {
    name: 'that is paused and resumed',
    packets: [GET, {
      run: (observer) => observer.socket.pause(),
    }, GET, { run: (observer) => observer.socket.resume() }],
    handler(req, res, observer) {
      observer.socket = req.socket;
      res.end('x');
    },
  },
  {
    name: 'that is written to directly',
    packets: [GET, GET],
    handler(req, res) {
      req.socket.write('HTTP/1.1 200 Raw\r\nContent-Length: 0\r\n\r\n');
      res.detachSocket(req.socket);
    },
    modes: ['listener'],
  },
  {
    name: 'that counts its bytes',
    packets: [GET, GET + GET],
    handler(req, res, observer) {
      const { socket } = req;
      res.end('x', () => observer.laneOf(socket).record(
        'bytes', socket.bytesRead, socket.bytesWritten > 0));
    },
  },
  {
    name: 'that is ended by its handler',
    packets: [GET, GET],
    handler(req, res) {
      res.write('a');
      req.socket.end();
    },
  },
  {
    name: 'that is destroyed soon',
    packets: [GET],
    handler(req, res) {
      res.end('x');
      req.socket.destroySoon();
    },
  },
].map((spec) => ({ modes: ['default', 'watched', 'listener'], ...spec })));

function closing(name, script, rest) {
  return { name, modes: ['default', 'watched'], script, ...rest };
}

async function ended(server, lanes, note, quietly) {
  await quietly();
  note(lanes.map(({ end }) => end));
  const count = await new Promise((resolve) => server.getConnections((err, n) => resolve(n)));
  note('connections', count);
}

compare('closing', ['close', 'closeIdleConnections', 'closeAllConnections'].flatMap((method) => [
  closing(`with ${method}: idle, begun, pending and fresh connections`,
    async ({ server, connect, send, note }) => {
      const idle = await connect('idle');
      const begun = await connect('begun');
      const again = await connect('begun again');
      const refused = await connect('half a body');
      const fresh = await connect('fresh');
      await send(idle, GET);
      await send(begun, BEGUN);
      await send(again, GET + BEGUN);
      await send(refused, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab');
      server[method]();
      await ended(server, [idle, begun, again, refused, fresh], note, quiet);
      await send(begun, 'st: a\r\n\r\n');
      await send(again, 'st: a\r\n\r\n');
      await send(refused, 'cde');
      await ended(server, [idle, begun, again, refused, fresh], note, quiet);
    }),
  closing(`with ${method}: pending replies`, async ({ server, observer, connect, send, note }) => {
    const one = await connect('one');
    const two = await connect('two');
    await send(one, GET);
    await send(two, GET + GET);
    server.on('close', () => note('close'));
    server[method]();
    await ended(server, [one, two], note, quiet);
    for (const res of observer.held) res.end('late');
    await ended(server, [one, two], note, quiet);
    if (one.end === 'open') await send(one, GET);
    observer.held[3]?.end('later');
    await ended(server, [one, two], note, quiet);
  }, { handler: 'hold' }),
]));

compare('closing', [
  closing('refuses new connections', async ({ server, connect, send, note }) => {
    const lane = await connect();
    await send(lane, BEGUN);
    const { port } = server.address();
    server.close(() => note('closed'));
    const failure = await new Promise((resolve) => {
      net.connect(port, '127.0.0.1').on('error', resolve).on('connect', resolve);
    });
    note(failure?.code);
    await send(lane, 'st: a\r\n\r\n');
  }),
  closing('in a handler', async ({ connect, send }) => {
    const lane = await connect();
    await send(lane, GET + GET);
  }, {
    handler(req, res, observer) {
      observer.server.close();
      res.end('x');
    },
  }),
  closing('counts connections', async ({ server, connect, send, note, quiet }) => {
    const count = () => new Promise((resolve) => {
      server.getConnections((err, n) => resolve(note(n)));
    });
    await count();
    const one = await connect();
    await quiet();
    await count();
    const two = await connect();
    await send(two, GET);
    await count();
    one.fin();
    await quiet();
    await count();
    two.reset();
    await quiet();
    await count();
  }),
]);
