'use strict';

// Runs one of programs.js as a process of its own.

const { fork } = require('node:child_process');
const { once } = require('node:events');

/** A running program. `told` waits for its messages, in any order. `output` is its stdout. */
class Program {
  constructor(t, name, implementation, policy = 'rr') {
    const args = [name, implementation.specifier, policy];
    this.child = fork(require.resolve('./programs.js'), args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    this.queue = [];
    this.waiting = [];
    this.output = '';
    this.child.stdout.setEncoding('utf8').on('data', (text) => (this.output += text));
    // A child that was disconnected from here does not emit 'close'.
    this.closed = Promise.all([once(this.child, 'exit'), once(this.child.stdout, 'end')]);
    this.child.on('message', (message) => {
      this.queue.push(message);
      this.match();
    });
    this.child.on('exit', (code, signal) => {
      for (const { told, reject } of this.waiting) reject(new Error(`gone (${code ?? signal}) before '${told}'`));
    });
    t.after(() => this.stop());
  }

  match() {
    this.waiting = this.waiting.filter(({ told, id, resolve }) => {
      const at = this.queue.findIndex((message) => message.told === told && (!id || message.id === id));
      if (at >= 0) resolve(this.queue.splice(at, 1)[0]);
      return at < 0;
    });
  }

  told(told, id) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ told, id, resolve, reject });
      this.match();
    });
  }

  order(order, more) {
    this.child.send({ order, ...more });
  }

  async fork() {
    this.order('fork');
    return this.told('listening');
  }

  async stop() {
    if (this.child.connected) this.child.disconnect();
    await this.closed;
  }
}

module.exports = { Program };
