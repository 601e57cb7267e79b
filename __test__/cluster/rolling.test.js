'use strict';

// Workers are replaced one after the other while clients send requests. No request is lost, on node:http and on
// ferrohttp.

const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { major } = require('../support/harness.js');
const { Program } = require('./program.js');

const WORKERS = 2;
const ROUNDS = 2;
const KEEPING = 6; // clients that keep their connection
const CLOSING = 3; // clients that make one for each request

// A server that closes may close an idle connection just when its client uses it again. Node's documentation of
// `request.reusedSocket` says that clients should repeat that request. Node 26 also closes connections from which it
// has read nothing yet, so there the first request may have to be repeated.
const mayBeRepeated = (req, err) => err.code === 'ECONNRESET' && (req.reusedSocket || major >= 26);

/** Resolves with the response to one attempt, or with null if the request may be repeated. */
function attempt(port, agent, path) {
  return new Promise((resolve, reject) => {
    let begun = false;
    const req = http.get({ port, host: '127.0.0.1', agent, path }, (res) => {
      begun = true;
      let body = '';
      res.setEncoding('utf8').on('data', (text) => (body += text)).on('error', reject);
      res.on('end', () => resolve({ status: res.statusCode, worker: Number(res.headers.worker), body }));
    });
    req.on('error', (err) => (!begun && mayBeRepeated(req, err) ? resolve(null) : reject(err)));
  });
}

/** Clients that send requests until they are stopped. `finished` is rejected with the first request that is lost. */
class Load {
  constructor(t, port) {
    this.port = port;
    this.stopped = false;
    this.answers = new Map(); // by worker
    this.waiting = [];
    const clients = [];
    for (let i = 0; i < KEEPING; i++) {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      t.after(() => agent.destroy());
      clients.push(this.client(`keeping-${i}`, agent));
    }
    for (let i = 0; i < CLOSING; i++) clients.push(this.client(`closing-${i}`, false));
    this.finished = Promise.all(clients);
    t.after(() => this.stop());
  }

  async client(name, agent) {
    for (let i = 0; !this.stopped; i++) await this.ask(agent, `/${i % 2 ? 'whole' : 'parts'}/${name}/${i}`);
  }

  async ask(agent, path) {
    let answer = null;
    try {
      while (answer === null) answer = await attempt(this.port, agent, path);
    } catch (err) {
      throw new Error(`${path} was lost`, { cause: err });
    }
    const { status, body, worker } = answer;
    assert.deepStrictEqual([status, body], [200, path.startsWith('/parts') ? `begun ${path}` : path]);
    this.answers.set(worker, (this.answers.get(worker) ?? 0) + 1);
    this.waiting = this.waiting.filter(({ id, resolve }) => id !== worker || resolve());
  }

  /** Resolves when a worker answers. */
  answerOf(id) {
    return new Promise((resolve) => this.waiting.push({ id, resolve }));
  }

  stop() {
    this.stopped = true;
  }
}

/** Replaces each worker in turn, and returns the new workers. */
async function roll(program, load, workers) {
  for (let i = 0; i < ROUNDS * WORKERS; i++) {
    const [old, ...others] = workers;
    await load.answerOf(old.id);
    const next = await program.fork();
    await load.answerOf(next.id);
    // At least one request is in progress when the old worker has to leave.
    program.order('tell worker', { id: old.id });
    await program.told('holding', old.id);
    await leave(program, old);
    workers = [...others, next];
  }
  return workers;
}

async function leave(program, { id }) {
  program.order('disconnect', { id });
  const { code, signal } = await program.told('exit', id);
  assert.deepStrictEqual({ code, signal }, { code: 0, signal: null });
}

for (const implementation of [node, ours]) {
  for (const policy of ['rr', 'none']) {
    test(`${implementation.name}, ${policy}: a rolling restart under load loses no request`, async (t) => {
      const program = new Program(t, 'roll', implementation, policy);
      const first = [];
      for (let i = 0; i < WORKERS; i++) first.push(await program.fork());

      const load = new Load(t, first[0].port);
      const last = await Promise.race([roll(program, load, first), load.finished]);
      load.stop();
      await load.finished;
      for (const worker of last) await leave(program, worker);
      await program.stop();

      // Every request that has reached a handler was answered. Repeated requests had not reached one.
      const handled = program.output.match(/\d+ \d+/g).map((line) => line.split(' ').map(Number));
      assert.strictEqual(handled.length, WORKERS + ROUNDS * WORKERS);
      assert.deepStrictEqual(new Map(handled), load.answers);
    });
  }
}
