'use strict';
// When 'close' is emitted. Node does it in the event loop's closing phase: after the immediates of
// the turn in which the socket was destroyed. A handle that is closed unused tells that phase.

const { runTicks } = require('./internals');

let Handle; // a class of libuv handles, as Node's own listeners use
let closing = []; // callbacks for the closing phase that comes next

/** Learns of a class of handles; one is known before there can be a connection. */
function learnHandle(handle) {
  Handle ??= handle.constructor;
}

/** Calls back in the next closing phase. */
function inClosingPhase(callback) {
  closing.push(callback);
  if (closing.length === 1) new Handle(0).close(run);
}

function run() {
  const callbacks = closing;
  closing = [];
  let done = 0;
  try {
    while (done < callbacks.length) {
      callbacks[done++]();
      runTicks();
    }
  } finally {
    // A listener threw: the others' turn comes all the same.
    for (const callback of callbacks.slice(done)) inClosingPhase(callback);
  }
}

module.exports = { inClosingPhase, learnHandle };
