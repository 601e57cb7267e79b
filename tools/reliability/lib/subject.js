'use strict';

// A process under test. This starts it, gives it commands, and looks at it in /proc.

const { fork } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');

const ROOT = path.join(__dirname, '../../..');

/** The values of `--implementation`. */
const IMPLEMENTATIONS = { ferrohttp: ROOT, 'node:http': 'node:http' };

/** No command takes longer than this. */
const PATIENCE = 120_000;

class Subject {
  /** `file` lies in app/. */
  constructor(file, given, { node = process.execPath, env = {}, flags = [], silent = false } = {}) {
    const child = fork(path.join(__dirname, '../app', file), [JSON.stringify(given)], {
      execPath: node,
      execArgv: ['--expose-gc', ...flags],
      env: { ...process.env, ...env },
      stdio: ['ignore', silent ? 'ignore' : 'inherit', 'inherit', 'ipc'],
    });
    this.child = child;
    this.pid = child.pid;
    this.waiting = new Map();
    this.number = 0;
    /** How it ended, once it has. */
    this.ended = null;
    child.on('message', ({ number, answer, error }) => {
      const { resolve, reject } = this.waiting.get(number);
      this.waiting.delete(number);
      if (error) reject(Object.assign(new Error(error.message), { code: error.code }));
      else resolve(answer);
    });
    this.exit = new Promise((resolve) => child.on('exit', (code, signal) => {
      this.ended = signal ?? code;
      const error = new Error(`${file} ended with ${this.ended}`);
      for (const { reject } of this.waiting.values()) reject(error);
      resolve(this.ended);
    }));
  }

  order(order, more) {
    if (this.ended !== null) return Promise.reject(new Error(`the process ended with ${this.ended}`));
    const number = ++this.number;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.kill();
        reject(new Error(`no answer to '${order}'`));
      }, PATIENCE);
      const settle = (how) => (value) => {
        clearTimeout(late);
        how(value);
      };
      this.waiting.set(number, { resolve: settle(resolve), reject: settle(reject) });
      this.child.send({ number, order, ...more });
    });
  }

  /** What the kernel knows about the process. */
  system() {
    const status = fs.readFileSync(`/proc/${this.pid}/status`, 'latin1');
    return {
      descriptors: fs.readdirSync(`/proc/${this.pid}/fd`).length,
      threads: Number(/^Threads:\s+(\d+)/m.exec(status)[1]),
      rss: Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]) * 1024,
    };
  }

  async sample(more) {
    const answer = await this.order('sample', more);
    return { ...answer, ...this.system() };
  }

  /**
   * Waits until no connection is left, or none has ended for ten seconds, and then two more seconds for those of
   * workers.
   */
  async quiet() {
    for (let i = 0, last = -1; i < 50; i++) {
      const { open, sockets, closed } = await this.order('sample');
      if (open === 0 && sockets === closed) break;
      if (closed !== last) i = 0;
      last = closed;
      await sleep(200);
    }
    await sleep(2000);
  }

  /** Lets the process end by itself. Returns whether it did so within ten seconds. */
  async stop() {
    const late = setTimeout(() => this.kill(), 10_000);
    await this.order('stop').catch(() => {});
    const ended = await this.exit;
    clearTimeout(late);
    return ended === 0;
  }

  kill() {
    this.child.kill('SIGKILL');
  }
}

module.exports = { IMPLEMENTATIONS, ROOT, Subject };
