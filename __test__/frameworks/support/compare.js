'use strict';

// Runs the same script against an app on node:http and the same app on ferrohttp, in one process, and compares what
// client and server have seen.

const assert = require('node:assert');
const { after, before, test } = require('node:test');
const { once } = require('node:events');
const { setImmediate } = require('node:timers/promises');
const implementations = require('../../support/implementations.js');
const { Client } = require('./client.js');
const { patience } = require('../../support/patience.js');

// No script takes a second. This limit is for an event that never comes.
const GIVE_UP_MS = 10_000 * patience;
// After the last event of a connection, frameworks only use ticks, microtasks and at most one
// setImmediate (on-finished), each of which may lead to another.
const TURNS = 4;

/** The events of a server, its messages and its sockets, in order. */
class Journal {
  constructor() {
    this.entries = [];
    this.closings = new Map(); // socket -> promise of its 'close'
    this.waiting = null;
    this.add = this.add.bind(this);
  }

  add(...entry) {
    this.entries.push(entry.join(' '));
    this.waiting?.();
  }

  /** Records the life of every request that `server` emits. */
  watch(server) {
    server.prependListener('request', (req, res) => {
      const name = `${req.method} ${req.url.split('?')[0]}`;
      this.add(name, 'request');
      for (const event of ['aborted', 'end', 'error', 'close']) req.on(event, () => this.add(name, 'req', event));
      for (const event of ['finish', 'close']) res.on(event, () => this.add(name, 'res', event));
      this.watchSocket(req.socket);
    });
    server.on('upgrade', (req, socket) => {
      this.add(req.method, 'upgrade');
      this.watchSocket(socket);
    });
  }

  watchSocket(socket) {
    if (this.closings.has(socket)) return;
    this.closings.set(socket, new Promise((resolve) => socket.on('close', (hadError) => {
      this.add('socket close', hadError);
      resolve();
    })));
  }

  async until(entry) {
    while (!this.entries.includes(entry)) await new Promise((resolve) => (this.waiting = resolve));
  }

  /** Everything since the last call, when all connections are closed and what follows has run. */
  async take() {
    await Promise.all(this.closings.values());
    for (let i = 0; i < TURNS; i++) await setImmediate();
    return this.forget();
  }

  forget() {
    this.closings.clear();
    return this.entries.splice(0);
  }
}

/** An app on one implementation, listening. */
class Bench {
  static async open(implementation, build) {
    const bench = new Bench();
    bench.journal = new Journal();
    bench.createServer = implementation.createServer;
    bench.server = await build(implementation.createServer, bench.journal.add);
    bench.journal.watch(bench.server);
    if (!bench.server.listening) {
      bench.server.listen(0, '127.0.0.1');
      await once(bench.server, 'listening');
    }
    return bench;
  }

  get url() {
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  connect(options) {
    return Client.open(this.server, options);
  }

  /** Sends bytes on a connection of their own and waits for the server to end it. */
  async exchange(bytes) {
    const client = await this.connect();
    client.send(bytes);
    return client.finish();
  }

  async run(script) {
    const result = await script(this);
    return { result, events: await this.journal.take() };
  }

  async close() {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

async function guarded(promise, bench) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waits for ever; so far: ${bench.journal.entries.join(', ')}`));
      bench.journal.forget();
    }, GIVE_UP_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Declares one test per script against the app that `build(createServer, log)` makes.
 * `scripts` maps names to `{ run: async (bench) => result, shows, resultOnly }`. What node:http
 * itself gives must match `shows`, a pattern over result and events as JSON, so that the script is
 * known to get through. With `resultOnly` the order of events is left to the script.
 * `pair` holds Node's own implementation and the one that is compared with it.
 */
function compareApps(name, build, scripts, pair = [implementations.node, implementations.ours]) {
  const benches = [];
  before(async () => {
    for (const implementation of pair) {
      benches.push(await Bench.open(implementation, build));
    }
  });
  after(async () => {
    for (const bench of benches) await bench.close();
  });
  for (const [title, { run, shows, resultOnly }] of Object.entries(scripts)) {
    test(`${name}: ${title}`, async () => {
      const seen = [];
      for (const bench of benches) seen.push(await guarded(bench.run(run), bench));
      if (resultOnly) for (const one of seen) delete one.events;
      const [expected, actual] = seen;
      assert.match(JSON.stringify(expected), shows, 'what node:http shows');
      assert.deepStrictEqual(actual, expected);
    });
  }
}

module.exports = { Bench, compareApps, guarded };
