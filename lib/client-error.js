'use strict';
// Errors of the clientError path and what happens to them (docs/client-error.md).

const { Duplex } = require('stream');
const { _errnoException } = require('util');
const { Server, nodeConnectionListener } = require('./internals');
const { codes, reasons, replies } = require('./native');

const CODES = codes();
const REASONS = reasons();
const MESSAGES = REASONS.map((reason) => `Parse Error: ${reason}`);
const kServer = Symbol('ferrohttp.server');

// The default replies that codes of ours and of Node's sockets have; every other code has the 400.
const REPLIES = new Map(replies().map((reply, i) => [CODES[i], Buffer.from(reply, 'latin1')]));
const BAD_REQUEST = REPLIES.get('HPE_INVALID_METHOD');

const noop = () => {};

/**
 * A parse error as Node makes it: own keys in the order bytesParsed, code, reason and, if there
 * was a packet, rawPacket. Errors at EOF have no packet, and their message no reason.
 */
function parseError(code, reason, bytesParsed, rawPacket) {
  // Node creates these below any JavaScript frame; no frame of ours should be seen, nor paid for.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new Error(rawPacket === undefined ? 'Parse Error' : MESSAGES[reason]);
  Error.stackTraceLimit = stackTraceLimit;
  error.bytesParsed = bytesParsed;
  error.code = CODES[code];
  error.reason = REASONS[reason];
  if (rawPacket !== undefined) error.rawPacket = rawPacket;
  return error;
}

/** A system error as Node's sockets report it; `errno` is negative, as in libuv. */
function systemError(errno, syscall) {
  return _errnoException(errno, syscall);
}

let abortedPrototype;

/** What destroys a request whose connection closed; of a class that Node keeps to itself. */
function abortedError() {
  abortedPrototype ??= findAbortedPrototype();
  const error = new Error('aborted');
  Object.setPrototypeOf(error, abortedPrototype);
  error.code = 'ECONNRESET';
  return error;
}

/**
 * Lets Node's own listener of connections abort a request, on a socket that is none and all within
 * this call. Nobody is to notice: no event is emitted on a server, and no response is made, which
 * diagnostics channels would show. Node's parser does not run, because an async hook would get no
 * 'after' for what ends in an exception, and a domain not be left.
 */
function findAbortedPrototype() {
  let found;
  const noResponse = {};
  function Response() {
    throw noResponse;
  }
  const request = {
    destroy(error) { found = Object.getPrototypeOf(error); },
  };
  const server = new Server({ ServerResponse: Response }, noop);
  const socket = new Duplex({ read: noop, write: noop });
  socket.pause(); // 'data' listeners would make it flow, some ticks later
  nodeConnectionListener.call(server, socket);
  try {
    socket.parser.onIncoming(request, false);
  } catch (error) {
    if (error !== noResponse) throw error;
  }
  for (const listener of socket.listeners('close')) listener.call(socket);
  return found;
}

/** Emits 'clientError' or, with no listener, answers and destroys. Also the socket's 'error' listener. */
function socketOnError(error) {
  // Further errors of this socket are not the server's to report.
  this.removeListener('error', socketOnError);
  if (this.listenerCount('error', noop) === 0) this.on('error', noop);

  const { server } = this;
  server[kServer]?.count(typeof error?.code === 'string' ? error.code : 'UNKNOWN');
  if (server.emit('clientError', error, this)) return;

  // A reply would corrupt a response whose head is on its way already.
  if (this.writable && !this._httpMessage?._headerSent) {
    this.write(REPLIES.get(error?.code) ?? BAD_REQUEST);
  }
  this.destroy(error);
}

module.exports = { abortedError, parseError, systemError, socketOnError, kServer };
