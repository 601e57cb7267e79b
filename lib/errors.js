'use strict';
// The errors with which connections end, as Node makes them, and notes about them for the server that counts them.

const { traits, errnoException } = require('./host');
const { codes, reasons } = require('./native');

const CODES = codes();
const REASONS = reasons();
const MESSAGES = REASONS.map((reason) => `Parse Error: ${reason}`);

/** What ferrohttp knows about an error beyond what the program can see. */
class Note {
  constructor(token, code) {
    this.token = token; // the number under which Rust keeps what it has seen; 0: the error repeats an earlier refusal
    this.code = code; // of a parse error: the code that it was made with
    this.native = null; // the server that has counted it
    this.number = 0; // the number of the refusal at that server
    this.left = false; // it was left to a 'clientError' listener
  }
}

class Given {
  constructor(object) {
    return object;
  }
}

/** Adds a private field to an error. Nobody can see it, and it costs far less than an entry in a WeakMap. */
class Noted extends Given {
  #note;

  constructor(error, note) {
    super(error);
    this.#note = note;
  }

  static noteOf(error) {
    return #note in error ? error.#note : undefined;
  }
}

/** The notes of errors that are not made here. These errors may be frozen, or belong to the program. */
const foreign = new WeakMap();

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
  return new Noted(error, new Note(token, CODES[code]));
}

/** The error of Node's parser after one of its callbacks threw. */
function callbackError({ code, reason }, bytesParsed, rawPacket) {
  const error = errorWithoutFrames(`Parse Error: ${reason}`);
  return Object.assign(error, { bytesParsed, code, reason, rawPacket });
}

/**
 * Makes an error without stack frames. Node makes these errors outside of JavaScript, so no frame of ferrohttp may
 * show.
 */
function errorWithoutFrames(message) {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 0;
  } catch {
    // The program has frozen `Error`.
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
  return token ? new Noted(error, new Note(token)) : error;
}

/** The error of a connection that a fault of ferrohttp itself has ended. */
function internalError(cause) {
  const error = new Error('ferrohttp has failed on this connection, which is a fault of its own', { cause });
  error.code = 'ERR_FERROHTTP_INTERNAL';
  return error;
}

/** The error that destroys a request whose connection was closed. */
function abortedError() {
  const error = new Error('aborted');
  Object.setPrototypeOf(error, traits.abortedPrototype);
  error.code = 'ECONNRESET';
  return error;
}

/** The code by which an error is counted. */
function codeOf(error) {
  return typeof error?.code === 'string' ? error.code : 'UNKNOWN';
}

/** The index of the reason of a parse error; -1 if the program has changed it. */
function reasonOf(error) {
  return REASONS.indexOf(error.reason);
}

/** The note of an error; undefined if it has none, or is no object. */
function noteOf(error) {
  if (error === null || typeof error !== 'object') return undefined;
  return Noted.noteOf(error) ?? foreign.get(error);
}

/** The note of an error. It is made if there is none and the error is an object. */
function addNote(error) {
  const note = new Note();
  if (error !== null && typeof error === 'object') foreign.set(error, note);
  return note;
}

module.exports = { parseError, callbackError, systemError, internalError, abortedError, codeOf, reasonOf, noteOf, addNote };
