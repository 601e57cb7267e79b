'use strict';

// Responses that the kernel does not take at once: when 'finish' comes, whether they arrive completely, and what ends a
// connection meanwhile. Each program runs against node:http and against ferrohttp.

const assert = require('node:assert');
const { Readable } = require('node:stream');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { patience } = require('../support/patience.js');
const { quiet, stir } = require('../support/quiet.js');
const { Readers } = require('../support/readers.js');

const get = (url, fields = '') => `GET ${url} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const IN_THE_KERNEL = 65_536; // every kernel takes that much
const TOO_MUCH = 16_000_000; // none does
// Clients stay after FIN and after their response, so where a test waits for the close, the keep-alive timer decides.
const SOON_MS = 300;

/** A running server, and the events of each of its connections, in order. */
class Stage {
  static async open({ createServer }, { options = {}, handler, clients = 1 }) {
    const stage = new Stage();
    // On a busy machine, a kept connection would time out while others still transfer.
    stage.server = createServer({ keepAliveTimeout: 1_000_000, ...options }, (req, res) => handler(req, res, stage));
    stage.sockets = [];
    stage.log = []; // by connection
    stage.waiters = [];
    stage.server.on('connection', (socket) => stage.connected(socket));
    stage.server.on('clientError', (error, socket) => {
      stage.note(stage.sockets.indexOf(socket), `clientError ${error.code} ${error.syscall}`);
      socket.destroy();
    });
    await new Promise((resolve) => stage.server.listen(0, '127.0.0.1', resolve));
    stage.readers = await Readers.open(stage.server.address().port, clients);
    await stage.until(() => stage.sockets.length === clients);
    // Each connection has had a request, so it is established.
    for (let i = 0; i < clients; i++) {
      stage.readers.send(i, get('/warm'));
      stage.readers.read(i);
      await stage.readers.result(i, 'whole');
      stage.readers.read(i, 0);
    }
    await quiet();
    stage.log = stage.log.map(() => []);
    return stage;
  }

  /** The sockets are in the order of their clients, because these connect one after the other. */
  connected(socket) {
    const i = this.sockets.push(socket) - 1;
    this.log[i] = [];
    for (const event of ['timeout', 'end', 'finish', 'close', 'drain']) socket.on(event, () => this.note(i, `socket ${event}`));
    socket.on('error', (error) => this.note(i, `socket error ${error.code} ${error.syscall}`));
    this.stirred();
  }

  note(i, text) {
    this.log[i].push(text);
    this.stirred();
  }

  noteAll(text) {
    for (let i = 0; i < this.log.length; i++) this.note(i, text);
  }

  stirred() {
    stir();
    this.waiters = this.waiters.filter(({ condition, resolve }) => (condition() ? resolve() : true));
  }

  until(condition) {
    if (condition()) return undefined;
    return new Promise((resolve) => this.waiters.push({ condition, resolve }));
  }

  untilNoted(i, text) {
    return this.until(() => this.log[i].includes(text));
  }

  /** Follows a response. */
  watch(req, res) {
    const i = this.sockets.indexOf(req.socket);
    this.note(i, `request ${req.url}`);
    for (const event of ['finish', 'close', 'drain']) res.on(event, () => this.note(i, `${event} of ${req.url}`));
    res.on('error', (error) => this.note(i, `error of ${req.url} ${error.code}`));
    return i;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.readers.close();
  }
}

/** Answers '/warm' itself, and everything else with the handler. */
function warm(handler) {
  return (req, res, stage) => {
    if (req.url === '/warm') res.end('warm');
    else handler(req, res, stage, stage.watch(req, res));
  };
}

function compare(name, spec) {
  test(name, { timeout: 120_000 * patience }, async () => {
    const seen = [];
    for (const implementation of [node, ours]) {
      const stage = await Stage.open(implementation, { ...spec, handler: warm(spec.handler) });
      try {
        const result = await spec.run(stage);
        await quiet();
        seen.push(structuredClone({ log: stage.log, result }));
      } finally {
        await stage.close();
      }
    }
    assert.deepStrictEqual(seen[1], seen[0]);
    spec.check?.(seen[0]);
  });
}

const fill = (size, byte = 'y') => Buffer.alloc(size, byte);

/** Ways to send a body of some size. */
const WAYS = {
  string: (res, size) => res.end('y'.repeat(size)),
  'UTF-8': (res, size) => res.end('\u00e9'.repeat(size / 2)),
  Buffer: (res, size) => res.end(fill(size)),
  'write and end': (res, size) => {
    res.write(fill(size / 2));
    res.end('y'.repeat(size / 2));
  },
  'with a length': (res, size) => {
    res.writeHead(200, { 'Content-Length': size });
    res.end(fill(size));
  },
  'many writes': (res, size) => {
    for (let i = 0; i < 50; i++) res.write(i % 2 ? fill(size / 50) : 'y'.repeat(size / 50));
    res.end();
  },
  corked: (res, size) => {
    res.cork();
    for (let i = 0; i < 50; i++) res.write(i % 2 ? fill(size / 50) : 'y'.repeat(size / 50));
    res.uncork();
    res.end();
  },
  piped: (res, size) => {
    Readable.from(Array.from({ length: 50 }, () => fill(size / 50))).pipe(res);
  },
};

/** The number of 'drain' events depends on the kernel, so they are left out. */
const withoutDrain = (stage) => {
  stage.log = stage.log.map((log) => log.filter((entry) => !/drain/.test(entry)));
};

for (const [way, send] of Object.entries(WAYS)) {
  for (const fields of ['', 'Connection: close\r\n']) {
    compare(`${way}, three large responses in one batch${fields && ', to be closed after'}`, {
      clients: 3,
      handler: (req, res) => send(res, TOO_MUCH),
      async run(stage) {
        for (let i = 0; i < 3; i++) stage.readers.send(i, get('/large', fields));
        await stage.until(() => stage.log.every((log) => log.length > 0));
        await quiet();
        stage.noteAll('the readers go on');
        for (let i = 0; i < 3; i++) stage.readers.read(i);
        const results = [];
        for (let i = 0; i < 3; i++) results.push(await stage.readers.result(i, fields ? Infinity : 'whole'));
        await stage.until(() => stage.log.every((log) => log.includes('close of /large')));
        if (fields) await stage.until(() => stage.log.every((log) => log.includes('socket close')));
        withoutDrain(stage);
        for (const result of results) {
          delete result.digest; // it depends on the Date field
          result.runs = result.runs.filter(({ length }) => length > 1000).length;
        }
        return results;
      },
      check({ log, result }) {
        for (const entries of log) assert.ok(entries.indexOf('the readers go on') < entries.indexOf('finish of /large'));
        for (const { bytes } of result) assert.ok(bytes > TOO_MUCH);
      },
    });
  }

  compare(`${way}, three responses in one batch that the kernel takes`, {
    clients: 3,
    handler: (req, res) => send(res, IN_THE_KERNEL - 536),
    async run(stage) {
      for (let i = 0; i < 3; i++) stage.readers.send(i, get('/small'));
      await stage.until(() => stage.log.every((log) => log.includes('close of /small')));
      stage.noteAll('the readers go on');
      for (let i = 0; i < 3; i++) stage.readers.read(i);
      for (let i = 0; i < 3; i++) assert.ok((await stage.readers.result(i, IN_THE_KERNEL - 536)).bytes > 60_000);
      withoutDrain(stage);
    },
  });
}

// --- what ends a connection with pending output ------------------------------------------------------

/** One large response whose reader has stopped. Then `act` is called, and the reader goes on. */
function stopped(name, { act, options, check, fields = '', keeps = false, send = WAYS.Buffer }) {
  compare(`pending output, and ${name}`, {
    options: keeps ? options : { keepAliveTimeout: SOON_MS, ...options },
    handler: (req, res) => send(res, TOO_MUCH),
    async run(stage) {
      stage.readers.send(0, get('/large', fields));
      await stage.untilNoted(0, 'request /large');
      await quiet();
      const result = await act(stage, stage.sockets[0]);
      await quiet();
      stage.note(0, 'the reader goes on');
      stage.readers.read(0);
      const { bytes, end } = await stage.readers.result(0, keeps ? 'whole' : Infinity);
      await stage.untilNoted(0, keeps ? 'finish of /large' : 'socket close');
      return { result, end, whole: bytes > TOO_MUCH };
    },
    check,
  });
}

const ENDS = {
  'socket.end()': (stage, socket) => { socket.end(); },
  'socket.end(data)': (stage, socket) => { socket.end('more'); },
  'socket.destroySoon()': (stage, socket) => { socket.destroySoon(); },
  'socket.destroy()': (stage, socket) => { socket.destroy(); },
  'socket.destroy(error)': (stage, socket) => { socket.destroy(new Error('mine')); },
  'socket.resetAndDestroy()': (stage, socket) => { socket.resetAndDestroy(); },
  'closeAllConnections()': ({ server }) => { server.closeAllConnections(); },
};
for (const [name, act] of Object.entries(ENDS)) stopped(name, { act });
stopped('Connection: close', { act() {}, fields: 'Connection: close\r\n' });
stopped('Connection: close, close()', { act: ({ server }) => { server.close(); }, fields: 'Connection: close\r\n' });
stopped('close()', { act: ({ server }) => { server.close(); } });
stopped('closeIdleConnections()', { act: ({ server }) => { server.closeIdleConnections(); } });
stopped('pause() and resume()', { act: (stage, socket) => { socket.pause().resume(); }, keeps: true });
stopped('the libuv handle', { act: (stage, socket) => { void socket._handle; }, keeps: true });
stopped('the libuv handle, of text', { act: (stage, socket) => { void socket._handle; }, keeps: true, send: WAYS.string });
stopped('the libuv handle, of many pieces', { act: (stage, socket) => { void socket._handle; }, keeps: true, send: WAYS.corked });
stopped('the libuv handle before the end', {
  act: (stage, socket) => { void socket._handle; }, fields: 'Connection: close\r\n',
});
stopped('the libuv handle after socket.end()', {
  act(stage, socket) {
    socket.end();
    void socket._handle;
  },
});
stopped('its counters', {
  act: (stage, socket) => {
    const { writableLength, writableNeedDrain, bufferSize, bytesWritten } = socket;
    return { writableLength, writableNeedDrain, bufferSize, bytesWritten };
  },
  keeps: true,
  check({ result: { result } }) {
    assert.ok(result.writableNeedDrain && result.writableLength > TOO_MUCH && result.bytesWritten > TOO_MUCH);
  },
});
stopped('a timeout of the socket', {
  async act(stage, socket) {
    socket.setTimeout(20);
    await stage.untilNoted(0, 'socket timeout');
  },
});

for (const leave of ['fin', 'reset']) {
  compare(`pending output, and the reader leaves with ${leave}`, {
    handler: (req, res) => WAYS.Buffer(res, TOO_MUCH),
    async run(stage) {
      stage.readers.send(0, get('/large'));
      await stage.untilNoted(0, 'request /large');
      await quiet();
      stage.readers[leave](0);
      if (leave === 'reset') return stage.untilNoted(0, 'socket close');
      await quiet();
      stage.note(0, 'the reader goes on');
      stage.readers.read(0);
      return (await stage.readers.result(0)).bytes > TOO_MUCH;
    },
  });
}

compare('the keep-alive timer starts when the response has left', {
  clients: 2,
  options: { keepAliveTimeout: 1 },
  handler: (req, res) => WAYS.Buffer(res, req.url === '/large' ? TOO_MUCH : 2),
  async run(stage) {
    stage.readers.send(0, get('/large'));
    stage.readers.send(1, get('/small'));
    // The timer of the other connection has fired. So that of the first one would have fired, too.
    await stage.untilNoted(1, 'socket close');
    await quiet();
    stage.noteAll('the reader goes on');
    stage.readers.read(0);
    const { bytes, end } = await stage.readers.result(0);
    await stage.untilNoted(0, 'socket close');
    return { whole: bytes > TOO_MUCH, end };
  },
  check: ({ result }) => assert.ok(result.whole),
});

// --- pipelines -----------------------------------------------------------------------------------------

compare('a small response waits for the large one before it', {
  handler: (req, res) => WAYS.Buffer(res, req.url === '/large' ? TOO_MUCH : 2),
  async run(stage) {
    stage.readers.send(0, get('/large') + get('/small'));
    await stage.untilNoted(0, 'request /small');
    await quiet();
    stage.note(0, 'the reader goes on');
    stage.readers.read(0);
    await stage.untilNoted(0, 'close of /small');
  },
});

compare('a client that pipelines and does not read is paused as early', {
  handler: (req, res) => WAYS.Buffer(res, req.url === '/large' ? TOO_MUCH : 2),
  async run(stage) {
    const { server } = stage;
    const pipelined = 20_000;
    let requests = 0;
    let closed = 0;
    server.removeAllListeners('request');
    server.on('request', (req, res) => {
      requests++;
      if (requests === 1) return res.end(fill(TOO_MUCH));
      res.on('close', () => {
        if (++closed === pipelined) stage.note(0, 'all are answered');
      });
      return res.end('hi');
    });
    stage.readers.send(0, get('/').repeat(1 + pipelined));
    await quiet();
    const early = requests;
    stage.readers.read(0);
    await stage.untilNoted(0, 'all are answered');
    return { early, requests };
  },
  check: ({ result: { early } }) => assert.ok(early > 1 && early < 10_000),
});

compare('one of a batch leaves with RST after it was answered', {
  clients: 2,
  handler(req, res, stage, i) {
    if (i === 1) stage.readers.reset(0);
    res.end('an answer');
  },
  async run(stage) {
    for (let i = 0; i < 2; i++) stage.readers.send(i, get('/'));
    await stage.untilNoted(0, 'socket close');
  },
});

// --- memory that changes while it is pending --------------------------------------------------------------

const VIEWS = {
  Buffer: (size) => Buffer.alloc(size, 'a'),
  Uint8Array: (size) => new Uint8Array(size).fill(97),
  'part of a Buffer': (size) => Buffer.alloc(size + 20, 'a').subarray(10, size + 10),
  'SharedArrayBuffer': (size) => new Uint8Array(new SharedArrayBuffer(size)).fill(97),
  'resizable ArrayBuffer': (size) => new Uint8Array(new ArrayBuffer(size, { maxByteLength: 2 * size })).fill(97),
};
const WRITES = {
  end: (res, view) => res.end(view),
  write(res, view) {
    res.write(view);
    res.end();
  },
  'two writes'(res, view) {
    res.write('first');
    res.write(view);
    res.end('last');
  },
  corked(res, view) {
    res.cork();
    res.write('first');
    res.write(view);
    res.end('last');
  },
  'the socket'(res, view) {
    res.socket.write('first');
    res.socket.write(view);
  },
};
for (const [kind, make] of Object.entries(VIEWS)) {
  for (const [way, write] of Object.entries(WRITES)) {
    compare(`what changes while it is pending is sent as it is then: ${kind}, by ${way}`, {
      // Some releases of Node write the last chunk of a corked response behind its end.
      options: way === 'corked' ? { keepAliveTimeout: SOON_MS } : {},
      handler(req, res, stage) {
        stage.view = make(TOO_MUCH);
        write(res, stage.view);
      },
      async run(stage) {
        stage.readers.send(0, get('/large'));
        await stage.untilNoted(0, 'request /large');
        await quiet();
        stage.view.fill(98);
        stage.readers.read(0);
        // This writes to the socket without a head.
        const awaited = way === 'the socket' ? { more: 'first'.length + TOO_MUCH } : 'whole';
        const { runs } = await stage.readers.result(0, awaited);
        const before = runs.find(({ byte, length }) => byte === 97 && length > 100)?.length;
        const after = runs.find(({ byte, length }) => byte === 98 && length > 100)?.length;
        withoutDrain(stage);
        return { sum: before + after, changed: after > 0, sent: before > 0 };
      },
      check: ({ result }) => assert.deepStrictEqual(result, { sum: TOO_MUCH, changed: true, sent: true }),
    });
  }
}

compare('what is given away while it is pending is sent all the same', {
  handler(req, res, stage) {
    const view = new Uint8Array(TOO_MUCH).fill(97);
    res.end(view);
    stage.clone = structuredClone(view, { transfer: [view.buffer] });
  },
  async run(stage) {
    stage.readers.send(0, get('/large'));
    await stage.untilNoted(0, 'request /large');
    stage.readers.read(0);
    const { bytes, end } = await stage.readers.result(0, 'whole');
    return { whole: bytes > TOO_MUCH, end };
  },
  check: ({ result }) => assert.ok(result.whole),
});

const RESIZES = { smaller: 0, half: TOO_MUCH / 2, larger: 2 * TOO_MUCH };
for (const [name, size] of Object.entries(RESIZES)) {
  compare(`memory that becomes ${name} while it is pending`, {
    handler(req, res, stage) {
      const memory = new ArrayBuffer(TOO_MUCH, { maxByteLength: 2 * TOO_MUCH });
      res.end(new Uint8Array(memory));
      stage.memory = memory;
    },
    async run(stage) {
      stage.readers.send(0, get('/large', 'Connection: close\r\n'));
      await stage.untilNoted(0, 'request /large');
      await quiet();
      stage.memory.resize(size);
      stage.readers.read(0);
      const { bytes } = await stage.readers.result(0);
      await stage.untilNoted(0, 'socket close');
      return { whole: bytes > TOO_MUCH };
    },
    check: ({ result }) => assert.strictEqual(result.whole, size > TOO_MUCH),
  });
}
