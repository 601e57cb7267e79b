'use strict';
// Output of a native socket: the flags of a write, and what happens at each result.

const { AsyncResource } = require('async_hooks');
const { constants } = require('os');
const { restartIdleTimer } = require('../host/sockets');
const { systemError } = require('../errors');
const { native } = require('../engine');
const { afterDeliveries } = require('../engine/turn');
const layout = require('../layout');
const { hold } = require('./hold');
const { kId, kPending, kCancelled, kTaken, kQueueSeen } = require('./keys');

const { BYTES, LATIN1, UTF8, MAY_WAIT, MORE_FOLLOWS } = layout.write;
const { NOTHING, ENDED } = layout.taken;
const ECANCELED = -constants.errno.ECANCELED;

function encodingOf(encoding) {
  switch (encoding) {
    case 'latin1': case 'binary': return LATIN1;
    case 'utf8': case 'utf-8': return UTF8;
    default: return BYTES;
  }
}

/**
 * The flags that say how long the engine may defer output: to the end of the batch of deliveries or, if the next
 * response of a pipeline is complete, until that follows.
 */
function waiting(socket) {
  return socket.parser?.queue?.first?.finished ? MAY_WAIT | MORE_FOLLOWS : MAY_WAIT;
}

/** Returns a callback that runs in the async context of this call, as the callback of a libuv request does. */
function inOwnContext(type, callback) {
  const resource = new AsyncResource(type, { requireManualDestroy: true });
  return (...args) => resource.runInAsyncScope(callback, undefined, ...args);
}

/** Handles the result of a write (`taken` in lib/layout.js, or a negative errno). */
function written(socket, result, callback) {
  if (result === 0) {
    callback();
  } else if (result >= ENDED) {
    const errno = ENDED - result;
    awaits(socket, 'WRITEWRAP', callback);
    socket[kCancelled] = errno;
    afterDeliveries(() => ended(socket, errno));
  } else if (result > 0) {
    awaits(socket, 'WRITEWRAP', callback);
    socket[kQueueSeen] = result === NOTHING ? native.writeQueueSize(socket[kId]) : -1;
  } else {
    callback(systemError(result, 'write'));
  }
}

/** The engine has got what the stream writes already. Handles the result that it returned. */
function alreadyWritten(socket, callback) {
  const result = socket[kTaken];
  socket[kTaken] = undefined;
  written(socket, result, callback);
}

/** Keeps the callback of a write or shutdown until Rust reports that it is done. */
function awaits(socket, type, callback) {
  socket[kPending] = inOwnContext(type, callback);
  socket[kCancelled] = type === 'WRITEWRAP' ? ECANCELED : 0;
  hold(socket);
}

/** Ends a write that the kernel took, or that failed, at the second try. */
function ended(socket, errno) {
  if (socket.destroyed) return; // `emitClosed` calls back
  if (errno === 0) restartIdleTimer(socket);
  settled(socket, -errno, 'write');
}

/** The pending write or shutdown is done. */
function settled(socket, errno, syscall) {
  const callback = socket[kPending];
  socket[kPending] = null;
  socket[kQueueSeen] = 0;
  hold(socket);
  if (callback === null) {
    if (errno !== 0 && !socket.destroyed) socket.destroy(systemError(-errno, syscall));
    return;
  }
  if (errno === 0) callback();
  else callback(systemError(-errno, syscall));
}

module.exports = { encodingOf, waiting, inOwnContext, written, alreadyWritten, awaits, settled };
