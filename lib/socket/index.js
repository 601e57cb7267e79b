'use strict';
// The net.Socket of a connection whose descriptor Rust owns.
//
// It has one of three states:
//   native       `kId` >= 0: what is read comes in deliveries, and writes go through the engine
//   handed over  it has a libuv handle: every method below calls that of net.Socket
//   closed       neither
// A native socket is handed over when the program uses its handle, or uses the stream itself (a 'data' listener, pipe,
// push, unshift). No byte is lost (see `unconsume` in lib/connection/listeners.js).

const net = require('net');
const { constants } = require('os');
const { emitCloseIfDrained } = require('../host/servers');
const {
  restartIdleTimer, closeIdleTimer, acceptedBy, defineInternals, inherited, isResetting, setResetting,
  rememberedPeer, rememberPeer, rememberedLocal, rememberLocal,
} = require('../host/sockets');
const { systemError } = require('../errors');
const { native } = require('../engine');
const { atRest, closing } = require('../engine/alive');
const { afterDeliveries } = require('../engine/turn');
const layout = require('../layout');
const { inClosingPhase } = require('./closing');
const { handOver } = require('./hand-over');
const { hold } = require('./hold');
const { alreadyWritten, awaits, encodingOf, inOwnContext, waiting, written } = require('./output');
const { forget, remember } = require('./places');
const {
  kId, kKey, kPending, kCancelled, kBytesRead, kBytesWritten, kException, kRefed,
  kHolds, kEnded, kTaken, kStopped, kOpen, kQueueSeen, kLast, kBehind,
} = require('./keys');

const { BYTES, FIN_FOLLOWS, BLANK_FOLLOWS } = layout.write;
const ENOTCONN = -constants.errno.ENOTCONN;

class Socket extends net.Socket {
  constructor(id, options) {
    super(options);
    this[kId] = id;
    this[kKey] = id; // the id in deliveries; it stays when `kId` becomes -1
    remember(this);
    this[kPending] = null; // the callback of the write or shutdown that Rust has not finished
    this[kCancelled] = 0; // the errno for that callback, if the socket is destroyed before
    this[kBytesRead] = 0;
    this[kBytesWritten] = 0;
    this[kException] = false;
    this[kRefed] = true;
    this[kHolds] = true; // it keeps the process alive
    this[kEnded] = false; // FIN was read
    this[kStopped] = false; // reading is paused
    this[kTaken] = undefined; // what the engine returned for output that the stream writes next (lib/connection/response.js)
    this[kQueueSeen] = 0; // pending bytes when the idle timer fired last
    this[kLast] = 0; // FIN_FOLLOWS while `end` writes its last chunk
    this[kOpen] = 0; // how many things 'close' still waits for
    this[kBehind] = false; // it was handed over, but a packet that was parsed before was not dispatched yet
  }

  // --- stream implementation ---------------------------------------------------------------

  _read(size) {
    if (!(this[kId] >= 0)) return super._read(size);
    // The connection starts and stops reading ('pause' and 'resume').
  }

  _write(chunk, encoding, callback) {
    const id = this[kId];
    if (!(id >= 0)) return super._write(chunk, encoding, callback);
    if (this[kTaken] !== undefined) return alreadyWritten(this, callback);
    restartIdleTimer(this);
    let code = BYTES;
    if (typeof chunk === 'string') {
      code = encodingOf(encoding);
      if (code === BYTES) chunk = Buffer.from(chunk, encoding);
    }
    written(this, native.write(id, chunk, code | waiting(this) | this[kLast]), callback);
  }

  _writev(chunks, callback) {
    const id = this[kId];
    if (!(id >= 0)) return super._writev(chunks, callback);
    if (this[kTaken] !== undefined) return alreadyWritten(this, callback);
    restartIdleTimer(this);
    const flags = waiting(this) | this[kLast];
    if (chunks.length === 2 && chunks[1].chunk === '' && chunks[0].chunk.length > 0) {
      // Node writes most responses as one chunk and an empty one, which has the callback.
      const { chunk, encoding } = chunks[0];
      const code = typeof chunk === 'string' ? encodingOf(encoding) : BYTES;
      const bytes = code === BYTES && typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
      written(this, native.write(id, bytes, code | flags | BLANK_FOLLOWS), callback);
      return;
    }
    const list = new Array(chunks.length * 2);
    for (let i = 0; i < chunks.length; i++) {
      let { chunk } = chunks[i];
      let code = BYTES;
      if (typeof chunk === 'string') {
        code = encodingOf(chunks[i].encoding);
        if (code === BYTES) chunk = Buffer.from(chunk, chunks[i].encoding);
      }
      list[2 * i] = chunk;
      list[2 * i + 1] = code;
    }
    written(this, native.writev(id, list, flags), callback);
  }

  /** Lets the last bytes and FIN leave together. `_final` is called inside this call, unless the bytes are pending. */
  end(chunk, encoding, callback) {
    if (!(this[kId] >= 0) || chunk === undefined || this._write !== prototype._write ||
        this._writev !== prototype._writev || this._final !== prototype._final) {
      return super.end(chunk, encoding, callback);
    }
    this[kLast] = FIN_FOLLOWS;
    try {
      return super.end(chunk, encoding, callback);
    } finally {
      this[kLast] = 0;
    }
  }

  _final(callback) {
    const id = this[kId];
    if (!(id >= 0)) return super._final(callback);
    const result = native.shutdown(id);
    if (result === 0) afterDeliveries(inOwnContext('SHUTDOWNWRAP', callback));
    else if (result === ENOTCONN) callback();
    else if (result > 0) awaits(this, 'SHUTDOWNWRAP', callback);
    else callback(systemError(result, 'shutdown'));
  }

  _destroy(exception, callback) {
    const id = this[kId];
    if (!(id >= 0)) return super._destroy(exception, callback);
    this.connecting = false;
    closeIdleTimer(this);
    this[kException] = Boolean(exception);
    rememberLocal(this, null);
    this[kId] = -1;
    let written;
    if (isResetting(this)) {
      setResetting(this, false);
      written = native.reset(id);
    } else {
      if (!exception && this.parser?.isIdle?.()) native.noteIdleClose(id);
      written = native.close(id);
    }
    if (written < 0) { // the descriptor is closed, and CLOSED does not follow
      written = -1 - written;
      forget(this);
      this[kOpen] = 1;
    } else {
      this[kOpen] = 2;
    }
    this[kBytesWritten] = written;
    inClosingPhase(this);
    callback(exception);
    closing(1);
    if (!this[kHolds]) atRest(-1);
    emitCloseIfDrained(acceptedBy(this));
  }

  resetAndDestroy() {
    if (!(this[kId] >= 0)) return super.resetAndDestroy();
    setResetting(this, true);
    this.destroy();
    return this;
  }

  // --- what net.Socket shows -----------------------------------------------------------------

  get pending() {
    return this[kId] >= 0 ? this.connecting : super.pending;
  }

  get bufferSize() {
    return this[kId] >= 0 ? this.writableLength : super.bufferSize;
  }

  get bytesRead() {
    return this[kId] >= 0 ? this[kBytesRead] : this[kBytesRead] + (super.bytesRead ?? 0);
  }

  setNoDelay(enable) {
    const id = this[kId];
    if (!(id >= 0)) return super.setNoDelay(enable);
    native.setNoDelay(id, enable === undefined ? true : Boolean(enable));
    return this;
  }

  setKeepAlive(enable, initialDelay, ...rest) {
    const id = this[kId];
    if (!(id >= 0) || (typeof enable === 'object' && enable !== null) || rest.length > 0) {
      // Only libuv sets intervals and counts.
      if (id >= 0) handOver(this);
      return super.setKeepAlive(enable, initialDelay, ...rest);
    }
    native.setKeepAlive(id, Boolean(enable), ~~(initialDelay / 1000));
    return this;
  }

  ref() {
    if (!(this[kId] >= 0)) return super.ref();
    this[kRefed] = true;
    hold(this);
    return this;
  }

  unref() {
    if (!(this[kId] >= 0)) return super.unref();
    this[kRefed] = false;
    hold(this);
    return this;
  }

  push(chunk, encoding) {
    if (this[kId] >= 0 && chunk !== null) handOver(this);
    return super.push(chunk, encoding);
  }

  unshift(chunk, encoding) {
    if (this[kId] >= 0) handOver(this);
    return super.unshift(chunk, encoding);
  }
}
Object.defineProperty(Socket, 'name', { value: 'Socket' });

defineInternals(Socket, {
  handle(socket) {
    if (socket[kId] >= 0) handOver(socket);
    return inherited.handle(socket);
  },
  setHandle: inherited.setHandle,
  bytesDispatched(socket) {
    const id = socket[kId];
    return id >= 0 ? native.bytesWritten(id) : socket[kBytesWritten] + inherited.bytesDispatched(socket);
  },
  peerName(socket) {
    const id = socket[kId];
    if (!(id >= 0)) return rememberedPeer(socket) ?? inherited.peerName(socket);
    return rememberedPeer(socket) ?? rememberPeer(socket, addressOf(native.address(id, true)));
  },
  localName(socket) {
    const id = socket[kId];
    if (!(id >= 0)) return inherited.localName(socket);
    return rememberedLocal(socket) ?? rememberLocal(socket, addressOf(native.address(id, false)));
  },
  timeout(socket) {
    if (!socket.timeout) return; // disarmed (lib/connection/idle-timer.js)
    const id = socket[kId];
    if (!(id >= 0)) {
      inherited.timeout(socket);
      return;
    }
    if (socket[kPending] !== null) {
      // If some of the pending output has left, the socket is not idle.
      const size = native.writeQueueSize(id);
      if (size !== socket[kQueueSeen]) {
        socket[kQueueSeen] = size;
        restartIdleTimer(socket);
        return;
      }
    }
    socket.emit('timeout');
  },
});

const { prototype } = Socket;

function addressOf(entry) {
  return entry === undefined || entry === null ? {} : { address: entry[0], family: entry[2], port: entry[1] };
}

module.exports = { Socket };
