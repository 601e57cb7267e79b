'use strict';
// Errors of the clientError path and what happens to them (docs/client-error.md).

const { _errnoException } = require('util');
const { traits } = require('./host');
const { codes, reasons, replies } = require('./native');

const CODES = codes();
const REASONS = reasons();
const MESSAGES = REASONS.map((reason) => `Parse Error: ${reason}`);
const kServer = Symbol('ferrohttp.server');

// The default replies that codes of ours and of Node's sockets have; every other code has the 400.
const REPLIES = new Map(replies().map((reply, i) => [CODES[i], Buffer.from(reply, 'latin1')]));
const BAD_REQUEST = REPLIES.get('HPE_INVALID_METHOD');

const STATUS = new Map([...REPLIES].map(([code, reply]) => [code, Number(reply.toString('latin1', 9, 12))]));
const OUTCOME = { reply: 0, listener: 1, closed: 2 }; // as `NativeServer.refused` takes them

/** The number under which Rust keeps what it saw, by error; 0: it repeats an earlier refusal. */
const tokens = new WeakMap();
/** The server and the number of the refusal that an error became. */
const contexts = new WeakMap();

const noop = () => {};

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

/** Node creates these below any JavaScript frame; no frame of ours should be seen, nor paid for. */
function errorWithoutFrames(message) {
  const { stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = 0;
  } catch {
    // A hardened program froze it.
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
  const error = _errnoException(errno, syscall);
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

let warned = false;

/** Node's warning, once a process. */
function warnOfSecondError() {
  if (warned) return;
  warned = true;
  process.emitWarning('An error event has already been emitted on the socket. ' +
    'Please use the destroy method on the socket while handling a \'clientError\' event.');
}

/** Emits 'clientError' or, with no listener, answers and destroys. Also the socket's 'error' listener. */
function socketOnError(error) {
  // Further errors of this socket are not the server's to report.
  this.removeListener('error', socketOnError);
  if (this.listenerCount('error', noop) === 0) this.on('error', noop);
  else if (traits.warnsOfSecondError) warnOfSecondError();

  const { server } = this;
  if (server[kServer] !== undefined) note(server, error, this);
  if (server.emit('clientError', error, this)) return;

  answer(error, this);
}

/** Whether a reply can be sent: it would corrupt a response whose head is on its way already. */
function answers(socket) {
  return socket.writable && !socket._httpMessage?._headerSent;
}

/** Answers, in the program's own words or Node's, and destroys the socket. */
function answer(error, socket) {
  const link = socket.server?.[kServer];
  if (answers(socket)) {
    socket.write(ownReply(error, link) ?? REPLIES.get(error?.code) ?? BAD_REQUEST);
    if (link?.linger > 0) link.lingers(socket);
    const context = contexts.get(error);
    if (context?.left) context.native.answered(context.number, statusOf(link, error.code));
  }
  socket.destroy(error);
}

/** The status of the reply to a code. */
function statusOf(link, code) {
  return link.replies.get(code) ?? link.replies.get('default') ?? STATUS.get(code) ?? 400;
}

/** The reply that the server's `replies` have for an error. */
function ownReply(error, link) {
  if (link === undefined || link.replies.size === 0) return null;
  const number = contexts.get(error)?.number ?? 0;
  const kept = number === 0 ? null : link.native.refusal(number);
  const field = kept === null ? '' : JSON.parse(kept).at?.field ?? '';
  const text = (value) => (typeof value === 'string' ? value : '');
  return link.native.reply(text(error?.code), text(error?.reason), Buffer.from(field, 'latin1'), number);
}

/** Counts a refusal, and keeps it with what Rust saw of it. */
function note(server, error, socket) {
  const link = server[kServer];
  if (socket.parser?.refused === false) socket.parser.refused = true;
  const code = typeof error?.code === 'string' ? error.code : 'UNKNOWN';
  link.count(code);
  const isObject = error !== null && typeof error === 'object';
  const token = isObject ? tokens.get(error) : undefined;
  const listens = server.listenerCount('clientError') > 0;
  const outcome = listens ? OUTCOME.listener : answers(socket) ? OUTCOME.reply : OUTCOME.closed;
  const status = outcome === OUTCOME.reply ? statusOf(link, code) : 0;
  const reason = token === undefined ? -1 : REASONS.indexOf(error.reason);
  const number = link.refused(socket, token, code, reason, outcome, status);
  if (isObject) contexts.set(error, { native: link.native, number, left: listens });
}

/** What a server keeps of an error that was given to 'clientError', as JSON; null if nothing. */
function keptOf(error) {
  const context = contexts.get(error);
  return context === undefined ? null : context.native.refusal(context.number);
}

module.exports = { abortedError, answer, internalError, keptOf, parseError, systemError, socketOnError, kServer };
