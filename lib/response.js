'use strict';
// http.ServerResponse with a shorter way for its last bytes.
//
// `end` usually follows nothing or a complete head, on an idle socket. Then head and body go to
// the engine in one call, instead of through two corked stream writes. Everything that a program
// could see of that (properties, events and their ticks, bytes) is as with the inherited `end`,
// to which every other case goes; so do all cases once somebody has replaced one of the methods
// in between. Re-parented objects (Express) simply lose the short way.

const { Duplex } = require('stream');
const { ServerResponse, nodeMajor, symbols } = require('./internals');
const { Socket, kId, kBusy, waiting } = require('./socket');
const { systemError } = require('./client-error');
const { native } = require('./engine');

const LATIN1 = 1, UTF8 = 2, BYTES = 0;
const { prototype } = ServerResponse;
const plain = { end: prototype.end, _send: prototype._send, _writeRaw: prototype._writeRaw };
const plainWrite = Duplex.prototype.write;

function Response(req, options) {
  ServerResponse.call(this, req, options);
}
Response.prototype = Object.create(prototype, {
  // Who looks at it sees Node's class.
  constructor: { value: ServerResponse, writable: true, configurable: true },
  end: { value: end, writable: true, configurable: true },
});
Object.setPrototypeOf(Response, ServerResponse);

function end(chunk, encoding, callback) {
  const socket = this.socket;
  if (
    callback !== undefined || typeof chunk === 'function' || typeof encoding === 'function' ||
    this.finished || this.destroyed || this._headerSent || this.outputData.length !== 0 ||
    this.strictContentLength || this.writableCorked > 0 ||
    !(socket instanceof Socket) || !(socket[kId] >= 0) || socket[kBusy] || socket._httpMessage !== this ||
    !idle(socket) || !unpatched(socket) ||
    !(chunk === undefined || chunk === null || typeof chunk === 'string' || chunk instanceof Uint8Array) ||
    !(encoding === undefined || encoding === null || encoding === 'utf8' || encoding === 'latin1')
  ) {
    return plain.end.call(this, chunk, encoding, callback);
  }

  const length = !chunk ? 0 : typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding ?? 'utf8') : chunk.byteLength;
  if (!this._header) {
    this._contentLength = length;
    // Through the instance, whose writeHead may have been replaced.
    this._implicitHeader();
    if (!this._header || this._headerSent || this.finished || !(socket[kId] >= 0) || socket._httpMessage !== this ||
        !idle(socket)) {
      return plain.end.call(this, chunk, encoding, callback);
    }
  }
  if ((chunk && !this._hasBody) || (this.chunkedEncoding && this._hasBody)) {
    return plain.end.call(this, chunk, encoding, callback);
  }

  const head = this._header;
  this._headerSent = true;
  if (socket.timeout) socket._unrefTimer();
  const id = socket[kId];
  let result;
  if (!chunk) result = native.write(id, head, LATIN1 | waiting(socket));
  else if (typeof chunk !== 'string') result = native.writev(id, [head, LATIN1, chunk, BYTES], waiting(socket));
  else result = native.write(id, head + chunk, (encoding === 'latin1' ? LATIN1 : UTF8) | waiting(socket));

  this.finished = true;
  if (result === 0) {
    this._finish();
    process.nextTick(finish, this);
  } else if (result > 0) {
    // The kernel is full: the stream goes on from here, and calls back when Rust reports it sent.
    socket[kBusy] = true;
    socket.write('', 'latin1', () => finish(this));
    this._finish();
  } else {
    this._finish();
    socket.destroy(systemError(result, 'write'));
  }
  return this;
}

/** Nothing is queued, corked or over in the socket's stream. */
function idle(socket) {
  const state = socket._writableState;
  return state.length === 0 && state.corked === 0 && !state.ending && !state.destroyed && !state.errored;
}

/** Nobody wants to see the calls that the short way leaves out. */
function unpatched(socket) {
  return socket.write === plainWrite && prototype.end === plain.end && prototype._send === plain._send &&
    prototype._writeRaw === plain._writeRaw;
}

function finish(res) {
  const { socket } = res;
  if (nodeMajor < 24) {
    if (socket?._hadError) return;
  } else {
    if (res.errored || socket?.errored || socket?._hadError) return;
    res[symbols.writableFinished] = true;
    const callbacks = res[symbols.endCallbacks];
    if (callbacks !== null) {
      res[symbols.endCallbacks] = null;
      for (const callback of callbacks) callback(null);
    }
  }
  res.emit('finish');
}

module.exports = { Response };
