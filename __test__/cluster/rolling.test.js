'use strict';

// Workers are replaced one after the other while clients go on asking: on node:http and on ours, no
// request is lost.

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

// A server that closes may close an idle connection just when its client uses it again; Node's
// documentation of `request.reusedSocket` tells clients to repeat that request. Node 26 closes
// connections of which it has read nothing yet as well, so there the first request may need it.
const mayBeRepeated = (req, err) => err.code === 'ECONNRESET' && (req.reusedSocket || major >= 26);

/** Resolves with the answer to one attempt, or with null if it may be repeated. */
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

/** Clients that ask until they are stopped; `finished` rejects with the first request that is lost. */
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

/** Replaces each worker in turn; returns those that are there in the end. */
async function roll(program, load, workers) {
  for (let i = 0; i < ROUNDS * WORKERS; i++) {
    const [old, ...others] = workers;
    await load.answerOf(old.id);
    const next = await program.fork();
    await load.answerOf(next.id);
    // A request at least is in progress when the old worker is told to go.
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

      // Whatever reached a handler was answered: what was repeated had not.
      const handled = program.output.match(/\d+ \d+/g).map((line) => line.split(' ').map(Number));
      assert.strictEqual(handled.length, WORKERS + ROUNDS * WORKERS);
      assert.deepStrictEqual(new Map(handled), load.answers);
    });
  }
}
