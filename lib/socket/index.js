'use strict';
// The net.Socket of a connection whose descriptor Rust owns.
//
// It has one of three states:
//   native    `kId` >= 0: reads arrive as deliveries, writes go through the engine
//   handed over   a real libuv handle: every method below defers to net.Socket's own
//   closed    neither
// Whoever reaches for `_handle`, or drives the stream itself (a 'data' listener, pipe, push,
// unshift), makes a native socket hand over; no byte is lost (see connection.js, `unconsume`).

const net = require('net');
const { constants } = require('os');
const { AsyncResource } = require('async_hooks');
const { runTicks, symbols, traits } = require('../host');
const { systemError } = require('../errors');
const { native } = require('../engine');
const { atRest, closing } = require('../engine/alive');
const { afterDeliveries } = require('../engine/turn');
const layout = require('../layout');
const { inClosingPhase } = require('./closing');
const { handOver } = require('./hand-over');
const { hold } = require('./hold');
const { encodingOf, waiting } = require('./output');
const { remember } = require('./places');
const {
  kId, kKey, kPending, kWriting, kBytesRead, kBytesWritten, kException, kRefed,
  kHolds, kEnded, kTaken, kStopped, kOpen, kQueueSeen, kLast, kBehind,
} = require('./keys');

const { BYTES, FIN_FOLLOWS } = layout.write;
const { NOTHING } = layout.taken;
const ENOTCONN = -constants.errno.ENOTCONN;
const ECANCELED = -constants.errno.ECANCELED;

const base = net.Socket.prototype;
const handleAccessor = Object.getOwnPropertyDescriptor(base, '_handle');

class Socket extends net.Socket {
  constructor(id, options) {
    super(options);
    this[kId] = id;
    this[kKey] = id; // the id that deliveries carry; stays when `kId` goes
    remember(this);
    this[kPending] = null; // callback of the write or shutdown that Rust is still busy with
    this[kWriting] = false; // whether that is a write
    this[kBytesRead] = 0;
    this[kBytesWritten] = 0;
    this[kException] = false;
    this[kRefed] = true;
    this[kHolds] = true; // counted by the engine among what keeps the process alive
    this[kEnded] = false; // FIN was read
    this[kStopped] = false; // reading was paused
    this[kTaken] = undefined; // what the engine said of output that the stream is told of next (response.js)
    this[kQueueSeen] = 0; // bytes that were pending when the idle timer fired last
    this[kLast] = 0; // FIN_FOLLOWS, where that is certain of what is written now
    this[kOpen] = 0; // what 'close' still waits for
    this[kBehind] = false; // handed over, but a packet that was parsed before is still to come
  }

  get _handle() {
    if (this[kId] >= 0) handOver(this);
    return handleAccessor.get.call(this);
  }

  set _handle(handle) {
    handleAccessor.set.call(this, handle);
  }

  // --- stream implementation ---------------------------------------------------------------

  _read(size) {
    if (!(this[kId] >= 0)) return super._read(size);
    // Reading is started and stopped by the connection ('pause' and 'resume').
  }

  _write(chunk, encoding, callback) {
    const id = this[kId];
    if (!(id >= 0)) return super._write(chunk, encoding, callback);
    if (this[kTaken] !== undefined) return this._alreadyWritten(callback);
    if (this.timeout) this._unrefTimer();
    let code = BYTES;
    if (typeof chunk === 'string') {
      code = encodingOf(encoding);
      if (code === BYTES) chunk = Buffer.from(chunk, encoding);
    }
    this._written(native.write(id, chunk, code | waiting(this) | this[kLast]), callback);
  }

  _writev(chunks, callback) {
    const id = this[kId];
    if (!(id >= 0)) return super._writev(chunks, callback);
    if (this[kTaken] !== undefined) return this._alreadyWritten(callback);
    if (this.timeout) this._unrefTimer();
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
    this._written(native.writev(id, list, waiting(this) | this[kLast]), callback);
  }

  /** The engine has what the stream writes, and has said so. */
  _alreadyWritten(callback) {
    const result = this[kTaken];
    this[kTaken] = undefined;
    this._written(result, callback);
  }

  _written(result, callback) {
    if (result === 0) {
      callback();
    } else if (result > 0) {
      this._awaits('WRITEWRAP', callback);
      this[kQueueSeen] = result === NOTHING ? native.writeQueueSize(this[kId]) : -1;
    } else {
      callback(systemError(result, 'write'));
    }
  }

  /** Rust is busy with a write or shutdown, and calls back when it is done. */
  _awaits(type, callback) {
    this[kPending] = inOwnContext(type, callback);
    this[kWriting] = type === 'WRITEWRAP';
    hold(this);
  }

  /** The last bytes and FIN leave together: `_final` is called in here, unless the bytes are pending. */
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
    else if (result > 0) this._awaits('SHUTDOWNWRAP', callback);
    else callback(systemError(result, 'shutdown'));
  }

  _destroy(exception, callback) {
    const id = this[kId];
    if (!(id >= 0)) return super._destroy(exception, callback);
    this.connecting = false;
    this[symbols.timeout]?.close(); // not clearTimeout(), which a program's tests may have replaced
    this[kException] = Boolean(exception);
    this._sockname = null;
    this[kId] = -1;
    if (this.resetAndClosing) {
      this.resetAndClosing = false;
      this[kBytesWritten] = native.reset(id);
    } else {
      if (!exception && this.parser?.isIdle?.()) native.noteIdleClose(id);
      this[kBytesWritten] = native.close(id);
    }
    this[kOpen] = 2;
    inClosingPhase(this);
    callback(exception);
    closing(1);
    if (!this[kHolds]) atRest(-1);
    this._server?._emitCloseIfDrained();
  }

  resetAndDestroy() {
    if (!(this[kId] >= 0)) return super.resetAndDestroy();
    this.resetAndClosing = true;
    this.destroy();
    return this;
  }

  // --- what the engine reports ---------------------------------------------------------------

  /** The pending write or shutdown is done. */
  _settled(errno, syscall) {
    const callback = this[kPending];
    this[kPending] = null;
    this[kQueueSeen] = 0;
    hold(this);
    if (callback === null) {
      if (errno !== 0 && !this.destroyed) this.destroy(systemError(-errno, syscall));
      return;
    }
    if (errno === 0) callback();
    else callback(systemError(-errno, syscall));
  }

  /** The descriptor is closed, or the closing phase has come: 'close' follows both. False: not yet. */
  _closed() {
    if (--this[kOpen] > 0) return false;
    const pending = this[kPending];
    if (pending !== null) {
      // As libuv cancels it, which the stream is told as a success, or, of a write, by later releases as an error.
      this[kPending] = null;
      pending(this[kWriting] && traits.cancelsWrites ? systemError(ECANCELED, 'write') : null);
      runTicks();
    }
    closing(-1);
    this.emit('close', this[kException]);
    return true;
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

  get _bytesDispatched() {
    const id = this[kId];
    return id >= 0 ? native.bytesWritten(id) : this[kBytesWritten] + super._bytesDispatched;
  }

  _getpeername() {
    const id = this[kId];
    if (!(id >= 0)) return this._peername ?? super._getpeername();
    return this._peername ??= addressOf(native.address(id, true));
  }

  _getsockname() {
    const id = this[kId];
    if (!(id >= 0)) return super._getsockname();
    return this._sockname ??= addressOf(native.address(id, false));
  }

  _onTimeout() {
    if (!this.timeout) return; // left running by connection.js
    const id = this[kId];
    if (!(id >= 0)) return super._onTimeout();
    if (this[kPending] !== null) {
      // Output that moves is activity.
      const size = native.writeQueueSize(id);
      if (size !== this[kQueueSeen]) {
        this[kQueueSeen] = size;
        if (this.timeout) this._unrefTimer();
        return;
      }
    }
    this.emit('timeout');
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
      // Intervals and counts are for libuv.
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
const { prototype } = Socket;

/** What is called back later runs in the async context of the call, as under a request of libuv's. */
function inOwnContext(type, callback) {
  const resource = new AsyncResource(type, { requireManualDestroy: true });
  return (...args) => resource.runInAsyncScope(callback, undefined, ...args);
}

function addressOf(entry) {
  return entry === undefined || entry === null ? {} : { address: entry[0], family: entry[2], port: entry[1] };
}

module.exports = { Socket };
