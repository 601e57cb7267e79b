'use strict';

// One raw client connection and the trace of everything that the server shows for it.

const net = require('node:net');
const { stir } = require('./quiet.js');
const { maskWire } = require('./trace.js');

class Lane {
  constructor(name) {
    this.name = name;
    this.log = [];
    this.wire = '';
    this.end = 'open';
    this.sent = 0;
    this.endedAfter = null;
    this.waiters = [];
  }

  connect(address) {
    const where = typeof address === 'string' ? { path: address } : address;
    this.socket = new net.Socket({ allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => {
      this.wire += chunk.latin1Slice();
      this.happened('data');
    });
    this.socket.on('end', () => this.ended('FIN'));
    this.socket.on('error', (err) => this.ended(err.code));
    this.socket.on('close', () => this.happened('close'));
    return new Promise((resolve) => {
      this.socket.connect(where, () => resolve(this));
      // The port is known after connect(2), which is before the server can accept.
      process.nextTick(() => {
        this.port = this.socket.localPort;
      });
    });
  }

  ended(how) {
    // A reset after FIN only means that this client went on sending.
    if (this.end === 'open') {
      this.end = how;
      this.endedAfter = this.sent;
    }
    this.happened('end');
  }

  happened(what) {
    stir();
    const waiters = this.waiters;
    this.waiters = [];
    for (const { wanted, resolve } of waiters) {
      if (wanted(what)) resolve();
      else this.waiters.push({ wanted, resolve });
    }
  }

  /** Resolves when `condition()` holds; it is asked again after each event of this lane. */
  until(condition) {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ wanted: () => condition(), resolve }));
  }

  /** Resolves when the server has ended the connection. */
  untilEnd() {
    return this.until(() => this.end !== 'open');
  }

  /** Resolves when an event of this name is in the log, or its nth. */
  untilLogged(name, nth = 1) {
    return this.until(() => this.log.filter((entry) => entry[0] === name).length >= nth);
  }

  record(...entry) {
    this.log.push(entry);
    this.happened(entry[0]);
  }

  send(packet) {
    this.sent++;
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(packet);
  }

  fin() {
    if (!this.socket.writableEnded) this.socket.end();
  }

  /** All that was seen, as plain data. */
  trace() {
    return {
      cut: this.name,
      events: this.log,
      wire: maskWire(this.wire),
      end: this.end,
      endedAfter: this.endedAfter,
    };
  }

  reset() {
    if (!this.socket.destroyed) this.socket.resetAndDestroy();
  }
}

module.exports = { Lane };
