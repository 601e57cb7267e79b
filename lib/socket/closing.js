'use strict';
// Decides when 'close' is emitted. Node emits it in the closing phase of the event loop, after the immediates of the
// turn in which the socket was destroyed. To be called in that phase, this file makes a handle and closes it at once.

const { runTicks, traits } = require('../host');
const { inNextClosingPhase } = require('../host/sockets');
const { systemError } = require('../errors');
const { closing: countClosing } = require('../engine/alive');
const { kException, kOpen, kPending, kCancelled } = require('./keys');

let closing = []; // sockets for the next closing phase

/** Calls `emitClosed` in the next closing phase. */
function inClosingPhase(socket) {
  closing.push(socket);
  if (closing.length === 1) inNextClosingPhase(run);
}

function run() {
  const sockets = closing;
  closing = [];
  let done = 0;
  try {
    while (done < sockets.length) {
      emitClosed(sockets[done++]);
      runTicks();
    }
  } finally {
    // A listener threw. The other sockets are called in the next closing phase.
    while (done < sockets.length) inClosingPhase(sockets[done++]);
  }
}

/** Called when the descriptor is closed, and in the closing phase. The second call emits 'close' and returns true. */
function emitClosed(socket) {
  if (--socket[kOpen] > 0) return false;
  const pending = socket[kPending];
  if (pending !== null) {
    // libuv cancels it. Node calls the stream back without an error; later releases pass an error if it is a write.
    socket[kPending] = null;
    const errno = traits.cancelsWrites ? socket[kCancelled] : 0;
    pending(errno === 0 ? null : systemError(errno, 'write'));
    runTicks();
  }
  countClosing(-1);
  socket.emit('close', socket[kException]);
  return true;
}

module.exports = { emitClosed, inClosingPhase };
