'use strict';
// http.ServerResponse with a shorter way for its last bytes, and the bond of a response with its socket.
//
// `end` usually follows nothing or a complete head, on an idle socket. Then head and body go to
// the engine in one call, instead of through two corked stream writes. Everything that a program
// could see of that (properties, events and their ticks, bytes) is as with the inherited `end`,
// to which every other case goes; so do all cases once somebody has replaced one of the methods
// in between. Re-parented objects (Express) simply lose the short way.

const { EventEmitter } = require('events');
const { Duplex, Readable } = require('stream');
const { types } = require('util');
const { ServerResponse, symbols, shortcuts, bondIsPlain, endIsPlain } = require('../host');
const { kId, kTaken } = require('../socket/keys');
const { encodingOf, waiting } = require('../socket/output');
const { native } = require('../engine');
const { BYTES, LATIN1, UTF8, HEAD_UTF8 } = require('../layout').write;

const { isUint8Array } = types;
const { get: byteLengthOf } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength');

const { prototype } = ServerResponse;
const plain = {
  end: prototype.end,
  assignSocket: prototype.assignSocket, detachSocket: prototype.detachSocket,
  _flush: prototype._flush, _flushOutput: prototype._flushOutput,
};
const plainWrite = Duplex.prototype.write;
const { on: plainOn, emit: plainEmit } = EventEmitter.prototype;
const { removeListener: plainStreamRemove } = Readable.prototype;

function Response(req, options) {
  ServerResponse.call(this, req, options);
}
Response.prototype = Object.create(prototype, {
  // Who looks at it sees Node's class.
  constructor: { value: ServerResponse, writable: true, configurable: true },
  end: { value: end, writable: true, enumerable: true, configurable: true },
});
Object.setPrototypeOf(Response, ServerResponse);

function end(chunk, encoding, callback) {
  if (prototype.end !== plain.end) return Reflect.apply(prototype.end, this, arguments);
  const socket = this.socket;
  if (
    (callback !== undefined && callback !== null) || typeof chunk === 'function' || typeof encoding === 'function' ||
    this.finished || this.destroyed || this._headerSent || this.outputData.length !== 0 ||
    this.strictContentLength || this.writableCorked > 0 ||
    !(socket?.[kId] >= 0) || socket._httpMessage !== this ||
    !idle(socket) || !unpatched(socket) ||
    !(chunk === undefined || chunk === null || typeof chunk === 'string' || isPlainView(chunk)) ||
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
  if (chunk && !this._hasBody) return plain.end.call(this, chunk, encoding, callback);

  this._headerSent = true;
  if (socket.timeout) socket._unrefTimer();
  const result = send(this, socket, chunk, encoding, length);

  if (result !== 0) {
    // The kernel did not take all of it. The inherited `end` tells the stream what was written, so that its
    // length and its events are what they would be.
    this._headerSent = false;
    socket[kTaken] = result;
    return plain.end.call(this, chunk, encoding);
  }
  this.finished = true;
  process.nextTick(finish, this);
  this._finish();
  return this;
}

/** Head, body and terminator in one call; as Node, with the head in the encoding of the string that follows. */
function send({ _header: head, _trailer: trailer, _hasBody: hasBody, chunkedEncoding }, socket, chunk, encoding, length) {
  const id = socket[kId];
  const flags = waiting(socket);
  if (chunkedEncoding && hasBody) {
    const last = `0\r\n${trailer}\r\n`;
    if (length === 0) return native.write(id, head + last, LATIN1 | flags);
    return native.respond(id, `${head}${length.toString(16)}\r\n`, chunk, `\r\n${last}`,
      codeOf(chunk, encoding, length) | flags);
  }
  if (length === 0) return native.write(id, head, LATIN1 | flags);
  const utf8 = typeof chunk === 'string' && encoding !== 'latin1' ? HEAD_UTF8 : 0;
  return native.respond(id, head, chunk, '', codeOf(chunk, encoding, length) | utf8 | flags);
}

/** ASCII is written as latin1, which is quicker: there is nothing to look for. */
function codeOf(chunk, encoding, length) {
  if (typeof chunk !== 'string') return BYTES;
  return encoding === 'latin1' || length === chunk.length ? LATIN1 : UTF8;
}

/** A Uint8Array that has bytes, and says how many. */
function isPlainView(chunk) {
  return isUint8Array(chunk) && chunk.byteLength > 0 && chunk.byteLength === byteLengthOf.call(chunk);
}

/** Nothing is queued, corked or over in the socket's stream, and strings are UTF-8 there. */
function idle(socket) {
  const state = socket._writableState;
  return state.length === 0 && !state.writing && state.corked === 0 && !state.ending && !state.destroyed && !state.errored &&
    state.defaultEncoding === 'utf8';
}

/** Nobody wants to see the calls that the short way leaves out. */
function unpatched(socket) {
  return socket.write === plainWrite && endIsPlain();
}

function finish(res) {
  const { socket } = res;
  if (symbols.endCallbacks === undefined) {
    if (socket?._hadError) return;
  } else {
    if (res.errored || socket?.errored || socket?._hadError) {
      const error = res.errored ?? socket?.errored ?? streamDestroyed();
      res[symbols.flushError] = error;
      callEndCallbacks(res, error);
      return;
    }
    res[symbols.writableFinished] = true;
    callEndCallbacks(res, null);
  }
  res.emit('finish');
}

/** Calls back whoever called `end` once more since, with a callback. */
function callEndCallbacks(res, error) {
  const callbacks = res[symbols.endCallbacks];
  if (callbacks === null) return;
  res[symbols.endCallbacks] = null;
  for (const callback of callbacks) callback(error);
}

/** The error that Node's own end() has for callers whose response will never be complete. */
function streamDestroyed() {
  const error = new Error('Cannot call end after a stream was destroyed');
  error.code = 'ERR_STREAM_DESTROYED';
  return error;
}

// While a response owns a socket, Node has one 'close' listener more on it. It comes and goes with
// each request; where nobody can see how, `_events` is written to as EventEmitter would.

/** That listener, once a response was assigned as Node does it. */
let onSocketClose;

/**
 * As `res.assignSocket(socket)`, for a new response. `onClose` is the connection's own 'close' listener,
 * `on` what the socket has for that method.
 */
function assign(res, socket, onClose, on) {
  const { _events: events } = socket;
  const short = events.close === onClose && events.newListener === undefined && bondIsPlain() &&
    socket._maxListeners === undefined && socket.on === on &&
    res.assignSocket === plain.assignSocket && res.emit === plainEmit && res._eventsCount === 0 &&
    res.outputData.length === 0 && !res.finished;
  if (!short || onSocketClose === undefined) {
    res.assignSocket(socket);
    if (short && events.close.length === 2) onSocketClose = events.close[1];
    return;
  }
  socket._httpMessage = res;
  events.close = [onClose, onSocketClose];
  res.socket = socket;
}

/**
 * As `res.assignSocket(socket)`, for a response that waited for the ones before it. If it is complete,
 * all of it goes to the engine in one call, as `end` does it.
 */
function assignQueued(res, socket, onClose, on) {
  const { outputData } = res;
  const last = outputData.length - 1;
  if (
    !(res instanceof Response) || !res.finished || res.writableCorked > 0 || last < 0 ||
    res.assignSocket !== plain.assignSocket || res._flush !== plain._flush || res._flushOutput !== plain._flushOutput ||
    res._events.socket !== undefined || res.emit !== plainEmit ||
    !(socket[kId] >= 0) || socket._httpMessage || socket.on !== on ||
    socket._events.close !== onClose || onSocketClose === undefined || socket._events.newListener !== undefined ||
    socket._maxListeners !== undefined || !bondIsPlain() || !idle(socket) || !unpatched(socket) || !socket.writable ||
    res.outputSize >= socket.writableHighWaterMark
  ) {
    res.assignSocket(socket);
    return;
  }
  const list = [];
  for (const { data, encoding } of outputData) {
    const code = typeof data !== 'string' ? BYTES : encodingOf(encoding || 'utf8');
    if (code === BYTES && typeof data === 'string') {
      res.assignSocket(socket);
      return;
    }
    if (data.length > 0) list.push(data, code);
  }
  socket._httpMessage = res;
  socket._events.close = [onClose, onSocketClose];
  res.socket = socket;
  if (socket.timeout) socket._unrefTimer();
  const result = list.length === 2 ? native.write(socket[kId], list[0], list[1] | waiting(socket)) :
    native.writev(socket[kId], list, waiting(socket));
  if (result !== 0) {
    // The stream is told by writing it as the inherited `_flush` does.
    socket[kTaken] = result;
    res._flush();
    return;
  }
  res.outputData = [];
  res._onPendingData(-res.outputSize);
  res.outputSize = 0;
  process.nextTick(callBack, outputData);
  res._finish();
}

/** What was queued has been written. */
function callBack(outputData) {
  for (const { callback } of outputData) callback?.(null);
}

/** As `res.detachSocket(socket)`. */
function detach(res, socket, onClose) {
  const { _events: events } = socket;
  const { close } = events;
  if (Array.isArray(close) && close.length === 2 && close[0] === onClose && close[1] === onSocketClose &&
      events.removeListener === undefined && socket.removeListener === plainStreamRemove && bondIsPlain() &&
      res.detachSocket === plain.detachSocket && socket._httpMessage === res) {
    events.close = onClose;
    socket._httpMessage = null;
    res.socket = null;
  } else {
    res.detachSocket(socket);
  }
}

/** As `res.on('finish', listener)`, for a new response. */
function onFinish(res, listener) {
  if (shortcuts.listen.open && res._eventsCount === 0 && res.on === plainOn) {
    res._events.finish = listener;
    res._eventsCount = 1;
  } else {
    res.on('finish', listener);
  }
}

module.exports = { Response, assign, assignQueued, detach, onFinish };
