'use strict';
// When 'close' is emitted. Node does it in the event loop's closing phase: after the immediates of
// the turn in which the socket was destroyed. A handle that is closed unused tells that phase.

const { runTicks, traits } = require('../host');
const { systemError } = require('../errors');
const { closing: countClosing } = require('../engine/alive');
const { kException, kOpen, kPending, kCancelled } = require('./keys');


let Handle; // a class of libuv handles, as Node's own listeners use
let closing = []; // sockets whose turn is in the closing phase that comes next

/** Learns of a class of handles; one is known before there can be a connection. */
function learnHandle(handle) {
  Handle ??= handle.constructor;
}

/** Calls `emitClosed` in the next closing phase. */
function inClosingPhase(socket) {
  closing.push(socket);
  if (closing.length === 1) new Handle(0).close(run);
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
    // A listener threw: the others' turn comes all the same.
    while (done < sockets.length) inClosingPhase(sockets[done++]);
  }
}

/** The descriptor is closed, or the closing phase has come: 'close' follows both. False: not yet. */
function emitClosed(socket) {
  if (--socket[kOpen] > 0) return false;
  const pending = socket[kPending];
  if (pending !== null) {
    // libuv cancels it. Node tells the stream a success; later releases tell an error if it is a write.
    socket[kPending] = null;
    const errno = traits.cancelsWrites ? socket[kCancelled] : 0;
    pending(errno === 0 ? null : systemError(errno, 'write'));
    runTicks();
  }
  countClosing(-1);
  socket.emit('close', socket[kException]);
  return true;
}

module.exports = { emitClosed, inClosingPhase, learnHandle };
