'use strict';

// Starts transfer-server.js with the implementation under test.

const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { ours } = require('./implementations.js');

class TransferServer {
  static async start(implementation = ours) {
    const server = new TransferServer();
    server.child = spawn(process.execPath,
      [require.resolve('./transfer-server.js'), implementation.specifier],
      { stdio: ['pipe', 'pipe', 'inherit'] });
    server.lines = readline.createInterface({ input: server.child.stdout })[Symbol.asyncIterator]();
    server.port = Number((await server.lines.next()).value);
    return server;
  }

  url(path) {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** The highest resident size so far, in MiB. */
  async highestRss() {
    this.child.stdin.write('\n');
    return Number((await this.lines.next()).value);
  }

  async stop() {
    const exit = new Promise((resolve) => this.child.on('exit', resolve));
    this.child.stdin.end();
    await exit;
  }
}

module.exports = { TransferServer };
