'use strict';
// From Node 26 on, 'upgrade' is emitted while the body of its request is still coming. The listener gets this Duplex:
// what it writes goes to the socket at once, and what it reads begins after the body.

const { Duplex } = require('stream');

class UpgradeStream extends Duplex {
  #socket;
  #request;

  constructor(socket, request) {
    super({ allowHalfOpen: socket.allowHalfOpen });
    this.#socket = socket;
    this.#request = request;
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    this.on('close', () => socket.destroy());
    socket.on('end', () => {
      this.push(null);
      // As on a socket, 'end' comes even if nobody listens for data.
      if (this.readableLength === 0) this.resume();
    });
  }

  /** The request's body is complete; `head` and all later bytes are the new protocol's. */
  requestBodyCompleted(head) {
    this.#request = null;
    const forward = (chunk) => {
      if (!this.push(chunk)) this.#socket.pause();
    };
    if (head?.length > 0) forward(head);
    this.#socket.on('data', forward);
  }

  _read() {
    // If the program does not read the request's body, the data behind it would otherwise never come.
    this.#request?.resume();
    this.#socket.resume();
  }

  _write(chunk, encoding, callback) {
    this.#socket.write(chunk, encoding, callback);
  }

  _final(callback) {
    this.#socket.end(callback);
  }

  _destroy(error, callback) {
    this.#socket.destroy(error);
    callback(error);
  }
}

module.exports = { UpgradeStream };
