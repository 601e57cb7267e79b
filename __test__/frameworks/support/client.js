'use strict';

// A client that shows the bytes on the wire.

const net = require('node:net');
const tls = require('node:tls');
const { once } = require('node:events');

/** One connection to a server: sends bytes, awaits bytes. */
class Client {
  static async open(server, options) {
    const { port } = server.address();
    const socket = options
      ? tls.connect({ port, host: '127.0.0.1', ...options })
      : net.connect({ port, host: '127.0.0.1' });
    const client = new Client(socket);
    await once(socket, options ? 'secureConnect' : 'connect');
    return client;
  }

  constructor(socket) {
    this.socket = socket;
    this.received = '';
    this.waiting = null;
    this.end = 'open';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      this.received += chunk;
      this.waiting?.();
    });
    socket.on('end', () => {
      if (this.end === 'open') this.end = 'FIN';
    });
    socket.on('error', (error) => {
      this.end = error.code;
    });
    this.closed = new Promise((resolve) => socket.on('close', () => {
      if (this.end === 'open') this.end = 'closed here';
      this.waiting?.();
      resolve();
    }));
  }

  send(bytes) {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Waits until what was received since the last call contains `text`. */
  async until(text) {
    while (!this.received.includes(text, this.seen ?? 0)) {
      if (this.end !== 'open') throw new Error(`${this.end} before '${text}': ${this.received}`);
      await new Promise((resolve) => (this.waiting = resolve));
    }
    this.seen = this.received.indexOf(text, this.seen ?? 0) + text.length;
  }

  /** Leaves without FIN: with a reset, unless TLS does not allow that. */
  async abort() {
    if (this.socket.encrypted) this.socket.destroy();
    else this.socket.resetAndDestroy();
    await this.closed;
  }

  /** Waits for the server's end of the connection. */
  async finish() {
    await this.closed;
    return this.wire;
  }

  /** Everything that was received, without what differs in each run, and how the connection has ended. */
  get wire() {
    const shown = this.received.replace(/^date: [^\r\n]+/gim, 'Date: <date>');
    return `${shown}<${this.end}>`;
  }
}

/** A request as bytes. Fields is a list of lines; the body's length is added. */
function message(start, fields = [], body = '') {
  const length = body.length > 0 ? [`Content-Length: ${body.length}`] : [];
  const head = [`${start} HTTP/1.1`, 'Host: a', ...fields, ...length, '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

module.exports = { Client, message };
