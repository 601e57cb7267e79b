'use strict';
// The errors that connections end with, as Node makes them, and what Rust has seen of each.

const { traits, errnoException } = require('./host');
const { codes, reasons } = require('./native');

const CODES = codes();
const REASONS = reasons();
const MESSAGES = REASONS.map((reason) => `Parse Error: ${reason}`);

/** The number under which Rust keeps what it saw, by error; 0: it repeats an earlier refusal. */
const tokens = new WeakMap();

/**
 * A parse error as Node makes it: own keys in the order bytesParsed, code, reason and, if there
 * was a packet, rawPacket. Errors at EOF have no packet, and their message no reason.
 */
function parseError(code, reason, bytesParsed, rawPacket, token) {
  const error = errorWithoutFrames(rawPacket === undefined ? 'Parse Error' : MESSAGES[reason]);
  error.bytesParsed = bytesParsed;
  error.code = CODES[code];
  error.reason = REASONS[reason];
  if (rawPacket !== undefined) error.rawPacket = rawPacket;
  tokens.set(error, token);
  return error;
}

/** The error of a parser whose callback threw. */
function callbackError({ code, reason }, bytesParsed, rawPacket) {
  const error = errorWithoutFrames(`Parse Error: ${reason}`);
  return Object.assign(error, { bytesParsed, code, reason, rawPacket });
}

/** Makes an error without a stack. Node makes these outside of JavaScript, so no frame of ours may show. */
function errorWithoutFrames(message) {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 0;
  } catch {
    // A hardened program has frozen `Error`.
    const error = new Error(message);
    error.stack = `Error: ${message}`;
    return error;
  }
  const error = new Error(message);
  Error.stackTraceLimit = stackTraceLimit;
  return error;
}

/** A system error as Node's sockets report it; `errno` is negative, as in libuv. */
function systemError(errno, syscall, token) {
  const error = errnoException(errno, syscall);
  if (token) tokens.set(error, token);
  return error;
}

/** A fault of ferrohttp's own has ended a connection. */
function internalError(cause) {
  const error = new Error('ferrohttp has failed on this connection, which is a fault of its own', { cause });
  error.code = 'ERR_FERROHTTP_INTERNAL';
  return error;
}

/** What destroys a request whose connection closed. */
function abortedError() {
  const error = new Error('aborted');
  Object.setPrototypeOf(error, traits.abortedPrototype);
  error.code = 'ECONNRESET';
  return error;
}

/** The number under which Rust keeps what it saw of an error; undefined if that is not known. */
function tokenOf(error) {
  return tokens.get(error);
}

module.exports = { parseError, callbackError, systemError, internalError, abortedError, tokenOf };
