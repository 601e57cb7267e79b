'use strict';
// Handles an error of a connection: it emits 'clientError', or sends a reply and closes (docs/client-error.md).

const { traits } = require('../host');
const { canAnswer } = require('../host/answering');
const { listenersOf } = require('../host/emitters');
const { codes, replies } = require('../native');
const { addNote, codeOf, noteOf } = require('../errors');
const { kServer } = require('../server/key');

const CODES = codes();

// The default replies by code. Every other code has the 400.
const REPLIES = new Map(replies().map((reply, i) => [CODES[i], Buffer.from(reply, 'latin1')]));
const BAD_REQUEST = REPLIES.get('HPE_INVALID_METHOD');

const STATUS = new Map([...REPLIES].map(([code, reply]) => [code, Number(reply.toString('latin1', 9, 12))]));
const OUTCOME = { reply: 0, listener: 1, closed: 2 }; // as `NativeServer.refused` takes them

const noop = () => {};

let warned = false;

/** Emits Node's warning, once in a process. */
function warnOfSecondError() {
  if (warned) return;
  warned = true;
  process.emitWarning('An error event has already been emitted on the socket. ' +
    'Please use the destroy method on the socket while handling a \'clientError\' event.');
}

/**
 * Emits 'clientError' or, without a listener, answers and destroys the socket. It is also the socket's 'error'
 * listener.
 */
function socketOnError(error) {
  // The server does not report further errors of this socket.
  this.removeListener('error', socketOnError);
  if (this.listenerCount('error', noop) === 0) this.on('error', noop);
  else if (traits.warnsOfSecondError) warnOfSecondError();

  const { server } = this;
  if (server[kServer] !== undefined) count(server, error, this);
  if (server.emit('clientError', error, this)) return;

  answer(error, this);
}

/** Sends the program's own reply or Node's, and destroys the socket. */
function answer(error, socket) {
  const link = socket.server?.[kServer];
  if (canAnswer(socket)) {
    socket.write(ownReply(error, link) ?? REPLIES.get(error?.code) ?? BAD_REQUEST);
    if (link?.linger > 0) link.lingers(socket);
    const note = noteOf(error);
    if (note?.left) note.native.answered(note.number, statusOf(link, error.code));
  }
  socket.destroy(error);
}

/** The status of the reply to a code. */
function statusOf(link, code) {
  return link.replies.get(code) ?? link.replies.get('default') ?? STATUS.get(code) ?? 400;
}

/** The program's own reply to an error; null if it has none. */
function ownReply(error, link) {
  if (link === undefined || link.replies.size === 0) return null;
  const number = noteOf(error)?.number ?? 0;
  const kept = number === 0 ? null : link.native.refusal(number);
  const field = kept === null ? '' : JSON.parse(kept).at?.field ?? '';
  const text = (value) => (typeof value === 'string' ? value : '');
  return link.native.reply(text(error?.code), text(error?.reason), Buffer.from(field, 'latin1'), number);
}

/** Counts a refusal, and keeps it with what Rust has seen of it. */
function count(server, error, socket) {
  const link = server[kServer];
  if (socket.parser?.refused === false) socket.parser.refused = true;
  const note = noteOf(error) ?? addNote(error);
  const listens = listenersOf(server, 'clientError') !== undefined;
  const outcome = listens ? OUTCOME.listener : canAnswer(socket) ? OUTCOME.reply : OUTCOME.closed;
  const status = outcome === OUTCOME.reply ? statusOf(link, codeOf(error)) : 0;
  note.number = link.refused(socket, error, note, outcome, status);
  note.native = link.native;
  note.left = listens;
}

/** What a server keeps of an error of 'clientError', as JSON; null if it keeps nothing. */
function keptOf(error) {
  const note = noteOf(error);
  return note === undefined || note.native === null ? null : note.native.refusal(note.number);
}

module.exports = { answer, keptOf, socketOnError };
