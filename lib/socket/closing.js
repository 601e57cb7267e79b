'use strict';
// When 'close' is emitted. Node does it in the event loop's closing phase: after the immediates of
// the turn in which the socket was destroyed. A handle that is closed unused tells that phase.

const { runTicks } = require('../host');

let Handle; // a class of libuv handles, as Node's own listeners use
let closing = []; // sockets whose turn is in the closing phase that comes next

/** Learns of a class of handles; one is known before there can be a connection. */
function learnHandle(handle) {
  Handle ??= handle.constructor;
}

/** Calls `_closed` of the socket in the next closing phase. */
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
      sockets[done++]._closed();
      runTicks();
    }
  } finally {
    // A listener threw: the others' turn comes all the same.
    while (done < sockets.length) inClosingPhase(sockets[done++]);
  }
}

module.exports = { inClosingPhase, learnHandle };
