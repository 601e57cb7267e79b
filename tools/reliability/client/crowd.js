'use strict';

// Many clients at once, with a limited rate. It counts how their actions have ended.

const { setTimeout: sleep } = require('node:timers/promises');
const Random = require('../lib/random.js');
const { ACTIONS, MIX, Visit } = require('./actions.js');
const { Ended, Wrong } = require('./wire.js');

/** How long an action may take, in milliseconds. It is long, because a busy machine is slow. */
const PATIENCE = 60_000;

const KEPT = 20;

class Crowd {
  /** `ports` by name; `clients` at once; `rate` actions a second; `mix` as in actions.js. */
  constructor({ ports, seed, clients = 40, rate = 100, mix = MIX, patience = PATIENCE }) {
    this.ports = ports;
    this.random = new Random(seed);
    this.clients = clients;
    this.pause = 1000 * clients / rate;
    this.mix = mix;
    this.patience = patience;
    this.ids = 0;
    this.running = null;
    this.going = false;
    /** By action: { done, ended }. */
    this.tally = {};
    this.ended = {};
    this.wrong = [];
    /** Requests whose connection has ended before their response was complete. */
    this.cut = [];
  }

  get actions() {
    return Object.values(this.tally).reduce((sum, { done, ended }) => sum + done + ended, 0);
  }

  start() {
    this.going = true;
    this.running = Promise.all(Array.from({ length: this.clients }, () =>
      this.client(new Random(this.random.between(0, 2 ** 31)))));
  }

  /** Waits for the running actions. */
  async stop() {
    this.going = false;
    await this.running;
  }

  async client(random) {
    while (this.going) {
      await sleep(random.next() * 2 * this.pause);
      if (this.going) await this.act(random.weighted(this.mix), random);
    }
  }

  async act(name, random) {
    const tally = this.tally[name] ??= { done: 0, ended: 0 };
    const visit = new Visit({ ports: this.ports, random, nextId: () => ++this.ids });
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Wrong(`${name}: not over after ${this.patience / 1000} s`)), this.patience);
    });
    try {
      await Promise.race([ACTIONS[name](visit), late]);
      tally.done++;
    } catch (error) {
      if (error instanceof Ended) {
        tally.ended++;
        this.ended[error.message] = (this.ended[error.message] ?? 0) + 1;
        this.cut.push(...visit.asked.filter(({ done }) => !done).map((asked) => ({ name, ...asked })));
      } else {
        const text = error instanceof Wrong ? `${name}: ${error.message}` : error.stack;
        const ids = visit.asked.filter(({ done }) => !done).map(({ id }) => id).join(', ');
        if (this.wrong.length < KEPT) this.wrong.push(`${text} (requests ${ids})`);
        else this.wrong.push(name);
      }
    } finally {
      clearTimeout(timer);
      visit.leave();
    }
  }
}

module.exports = { Crowd, PATIENCE };
