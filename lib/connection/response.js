'use strict';
// http.ServerResponse with a shorter way to send its last bytes.
//
// Usually nothing was sent before `end`, or only a head was written, and the socket is idle. Then head and body go to
// the engine in one call, instead of through two corked writes of a stream. Everything that a program can see
// (properties, events and their ticks, bytes) is as with the inherited `end`. Every other case goes to the inherited
// `end`, and so does every case after somebody has replaced one of the methods in between. Objects whose prototype was
// changed (Express) use the inherited `end`, too.

const { Buffer } = require('buffer'); // the global is an accessor, which costs more at each use
const { types } = require('util');
const { ServerResponse, shortcuts } = require('../host');
const { headHasLeft } = require('../host/messages');
const { bond, canBond } = require('../host/shortcuts/bond');
const {
  endsWithBlank, inheritedEnd, isUnsent, owns, isUnpatched, headOf, makeHead, hasBody, trailerOf, setHeadSent, complete,
  isQueuedPlain, queuedOf, flushQueued, completeQueued,
} = require('../host/shortcuts/end');
const { isWritableIdle, restartIdleTimer } = require('../host/sockets');
const { kId, kTaken } = require('../socket/keys');
const { encodingOf, waiting } = require('../socket/output');
const { native } = require('../engine');
const { BYTES, LATIN1, UTF8, HEAD_UTF8, BLANK_FOLLOWS } = require('../layout').write;

const { isUint8Array } = types;
const { get: byteLengthOf } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'byteLength');

function Response(req, options) {
  ServerResponse.call(this, req, options);
}
Response.prototype = Object.create(ServerResponse.prototype, {
  // Makes `res.constructor === http.ServerResponse`.
  constructor: { value: ServerResponse, writable: true, configurable: true },
  end: { value: end, writable: true, enumerable: true, configurable: true },
});
Object.setPrototypeOf(Response, ServerResponse);

function end(chunk, encoding, callback) {
  const inherited = inheritedEnd();
  if (inherited === undefined) return Reflect.apply(ServerResponse.prototype.end, this, arguments);
  const socket = this.socket;
  if (
    (callback !== undefined && callback !== null) || typeof chunk === 'function' || typeof encoding === 'function' ||
    !isUnsent(this) || !(socket?.[kId] >= 0) || !owns(this, socket) || !isWritableIdle(socket) || !isUnpatched(socket) ||
    !(chunk === undefined || chunk === null || typeof chunk === 'string' || isPlainView(chunk)) ||
    !(encoding === undefined || encoding === null || encoding === 'utf8' || encoding === 'latin1')
  ) {
    return inherited.call(this, chunk, encoding, callback);
  }

  const length = !chunk ? 0 : typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding ?? 'utf8') : chunk.byteLength;
  if (!headOf(this)) {
    makeHead(this, length);
    if (!headOf(this) || headHasLeft(this) || this.finished || !(socket[kId] >= 0) || !owns(this, socket) ||
        !isWritableIdle(socket)) {
      return inherited.call(this, chunk, encoding, callback);
    }
  }
  if (chunk && !hasBody(this)) return inherited.call(this, chunk, encoding, callback);

  setHeadSent(this, true);
  restartIdleTimer(socket);
  const result = send(this, socket, chunk, encoding, length);

  if (result !== 0) {
    // The kernel did not take all of it. The inherited `end` writes it to the stream, so that the stream's length and
    // events are right. The stream then finds in `kTaken` what the engine has done already.
    setHeadSent(this, false);
    socket[kTaken] = result;
    return inherited.call(this, chunk, encoding);
  }
  complete(this);
  return this;
}

/**
 * Sends head, body and the end of the body in one call. As in Node, the head has the encoding of the string that
 * follows it.
 */
function send(res, socket, chunk, encoding, length) {
  const head = headOf(res);
  const id = socket[kId];
  const flags = waiting(socket);
  if (res.chunkedEncoding && hasBody(res)) {
    const last = `0\r\n${trailerOf(res)}\r\n`;
    if (length === 0) return native.write(id, head + last, LATIN1 | flags);
    return native.respond(id, `${head}${length.toString(16)}\r\n`, chunk, `\r\n${last}`,
      codeOf(chunk, encoding, length) | flags);
  }
  if (length === 0) return native.write(id, head, LATIN1 | flags);
  const utf8 = typeof chunk === 'string' && encoding !== 'latin1' ? HEAD_UTF8 : 0;
  const blank = endsWithBlank ? BLANK_FOLLOWS : 0;
  return native.respond(id, head, chunk, '', codeOf(chunk, encoding, length) | utf8 | blank | flags);
}

/** The encoding for the engine. ASCII is sent as latin1, because that is faster. */
function codeOf(chunk, encoding, length) {
  if (typeof chunk !== 'string') return BYTES;
  return encoding === 'latin1' || length === chunk.length ? LATIN1 : UTF8;
}

/** Whether this is a Uint8Array that is not empty and whose `byteLength` nobody has replaced. */
function isPlainView(chunk) {
  return isUint8Array(chunk) && chunk.byteLength > 0 && chunk.byteLength === byteLengthOf.call(chunk);
}

/**
 * Does what `res.assignSocket(socket)` does, for a response that had to wait for earlier ones. If the response is
 * complete, all of it goes to the engine in one call, as in `end`.
 */
function assignQueued(res, socket, onClose, on) {
  if (!(res instanceof Response) || !(socket[kId] >= 0) || !isQueuedPlain(res, socket) || !canBond(socket, onClose, on) ||
      !isWritableIdle(socket) || !isUnpatched(socket) || !socket.writable) {
    res.assignSocket(socket);
    return;
  }
  const list = [];
  let endsBlank = false;
  for (const { data, encoding } of queuedOf(res)) {
    const code = typeof data !== 'string' ? BYTES : encodingOf(encoding || 'utf8');
    if (code === BYTES && typeof data === 'string') {
      res.assignSocket(socket);
      return;
    }
    endsBlank = data.length === 0 && list.length > 0;
    if (data.length > 0) list.push(data, code);
  }
  bond(res, socket, onClose);
  restartIdleTimer(socket);
  const flags = waiting(socket) | (endsBlank ? BLANK_FOLLOWS : 0);
  const result = list.length === 2 ? native.write(socket[kId], list[0], list[1] | flags) :
    native.writev(socket[kId], list, flags);
  if (result !== 0) {
    // As in `end`, the stream finds in `kTaken` what the engine has done already.
    socket[kTaken] = result;
    flushQueued(res);
    return;
  }
  completeQueued(res);
}

module.exports = { Response: shortcuts.end.open ? Response : ServerResponse, assignQueued };
