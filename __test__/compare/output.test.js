'use strict';

// Responses that the kernel does not take at once: when they are told to be finished, whether they arrive
// whole, and what ends a connection meanwhile. Each program runs against node:http and against ours.

const assert = require('node:assert');
const { Readable } = require('node:stream');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { quiet, stir, supported } = require('../support/quiet.js');
const { Readers } = require('../support/readers.js');

const get = (url, fields = '') => `GET ${url} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const IN_THE_KERNEL = 65_536; // every kernel takes that much
const TOO_MUCH = 16_000_000; // none does

/** A running server, and what was seen of each of its connections, in order. */
class Stage {
  static async open({ createServer }, { options = {}, handler, clients = 1 }) {
    const stage = new Stage();
    stage.server = createServer(options, (req, res) => handler(req, res, stage));
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
    // Each has had a request, so that it is an established one.
    for (let i = 0; i < clients; i++) {
      stage.readers.send(i, get('/warm'));
      stage.readers.read(i);
      await stage.readers.result(i, 1);
      stage.readers.read(i, 0);
    }
    await quiet();
    stage.log = stage.log.map(() => []);
    return stage;
  }

  /** The sockets are in the order of their clients: those connect one after the other. */
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

/** Answers '/warm', and everything else by the handler. */
function warm(handler) {
  return (req, res, stage) => {
    if (req.url === '/warm') res.end('warm');
    else handler(req, res, stage, stage.watch(req, res));
  };
}

function compare(name, spec) {
  test(name, { skip: !supported && 'needs /proc', timeout: 120_000 }, async () => {
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

/** 'drain' comes as often as the kernel has room for a part; this keeps the others in order. */
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
        for (let i = 0; i < 3; i++) results.push(await stage.readers.result(i, fields ? Infinity : TOO_MUCH));
        await stage.until(() => stage.log.every((log) => log.includes('close of /large')));
        if (fields) await stage.until(() => stage.log.every((log) => log.includes('socket close')));
        withoutDrain(stage);
        for (const result of results) {
          delete result.digest; // of the Date field, too
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
