'use strict';

// The connection of a client. It writes raw bytes, and reads and checks responses.

const net = require('node:net');

/** The connection has ended before the response was complete. */
class Ended extends Error {}
/** An error that no fault below a server excuses: wrong bytes, or a response that never comes. */
class Wrong extends Error {}

const NOTHING = Buffer.alloc(0);
const HEAD_LIMIT = 64 << 10;

class Wire {
  static async connect(port, options) {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, ...options });
    const wire = new Wire(socket);
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('close', () => reject(new Ended(`no connection: ${wire.error?.code}`)));
    });
    return wire;
  }

  constructor(socket) {
    this.socket = socket;
    this.error = null;
    this.over = false;
    this.held = NOTHING;
    /** The number of bytes of responses that have come. */
    this.received = 0;
    this.wake = () => {};
    socket.on('error', (error) => { this.error = error; });
    socket.on('readable', () => this.wake());
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.over = true;
        this.wake();
      });
    }
    this.closed = new Promise((resolve) => socket.once('close', resolve));
  }

  write(bytes) {
    this.socket.write(bytes, 'latin1');
  }

  /** Writes, and waits until the system has taken it. */
  send(bytes) {
    return new Promise((resolve) => {
      if (this.socket.destroyed) return resolve();
      this.socket.once('close', resolve);
      this.socket.write(bytes, 'latin1', () => {
        this.socket.off('close', resolve);
        resolve();
      });
    });
  }

  fin() {
    this.socket.end();
  }

  leave(reset = false) {
    if (reset) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /** Returns the next bytes; null at the end. */
  async chunk() {
    for (;;) {
      const chunk = this.held.length > 0 ? this.held : this.socket.read();
      this.held = NOTHING;
      if (chunk !== null) return chunk;
      if (this.over) return null;
      await new Promise((resolve) => { this.wake = resolve; });
    }
  }

  async some() {
    const chunk = await this.chunk();
    if (chunk === null) throw new Ended(this.error?.code ?? 'FIN');
    return chunk;
  }

  /** Reads up to the end of `mark`, as text. */
  async until(mark) {
    let bytes = NOTHING;
    for (;;) {
      const chunk = await this.some();
      bytes = bytes.length > 0 ? Buffer.concat([bytes, chunk]) : chunk;
      const at = bytes.indexOf(mark);
      if (at >= 0) {
        this.held = bytes.subarray(at + mark.length);
        return bytes.toString('latin1', 0, at + mark.length);
      }
      if (bytes.length > HEAD_LIMIT) throw new Wrong(`no ${JSON.stringify(mark)} in ${bytes.length} bytes`);
    }
  }

  async exactly(length, sink) {
    while (length > 0) {
      const chunk = await this.some();
      const part = chunk.subarray(0, length);
      this.held = chunk.subarray(part.length);
      length -= part.length;
      await sink(part);
    }
  }

  /** Reads until the connection ends, as text. A reset counts as an end. */
  async rest() {
    const chunks = [];
    for (let chunk; (chunk = await this.chunk()) !== null;) chunks.push(chunk);
    return Buffer.concat(chunks).toString('latin1');
  }

  /** Reads one response: its status and head, its body to `sink`. */
  async response(sink = () => {}) {
    let head;
    let status;
    do {
      head = await this.until('\r\n\r\n');
      status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? NaN);
      if (!(status >= 100)) throw new Wrong(`no response: ${JSON.stringify(head.slice(0, 200))}`);
    } while (status === 100);
    const length = /^content-length: (\d+)\r$/im.exec(head)?.[1];
    if (length !== undefined) {
      await this.exactly(Number(length), sink);
    } else if (/^transfer-encoding: chunked\r$/im.test(head)) {
      for (;;) {
        const line = await this.until('\r\n');
        if (!/^[0-9a-f]+\r\n$/i.test(line)) throw new Wrong(`no chunk: ${JSON.stringify(line.slice(0, 200))}`);
        const size = parseInt(line, 16);
        await this.exactly(size, sink);
        const end = await this.until('\r\n');
        if (end !== '\r\n') throw new Wrong(`no end of a chunk: ${JSON.stringify(end.slice(0, 200))}`);
        if (size === 0) break;
      }
    } else {
      for (let chunk; (chunk = await this.chunk()) !== null;) await sink(chunk);
    }
    return { status, head };
  }
}

module.exports = { Ended, Wire, Wrong };
