'use strict';
// Whether a native socket reads, and whether it keeps the process alive.

const { native } = require('../engine');
const { atRest } = require('../engine/alive');
const { kId, kPending, kRefed, kHolds, kEnded, kStopped } = require('./keys');

/**
 * Updates whether a native socket keeps the process alive. As with a libuv handle, it does so while it reads and is
 * ref'd, and in any case while it has something to send.
 */
function hold(socket) {
  const holds = socket[kPending] !== null || (socket[kRefed] && !socket[kStopped] && !socket[kEnded]);
  if (holds === socket[kHolds] || !(socket[kId] >= 0)) return;
  socket[kHolds] = holds;
  atRest(holds ? -1 : 1);
}

/** Starts or stops Rust's reading. */
function setReading(socket, on) {
  if (socket[kStopped] !== on) return;
  socket[kStopped] = !on;
  if (on) native.resume(socket[kId]);
  else native.pause(socket[kId]);
  hold(socket);
}

/** FIN was read, so there is nothing more to read. */
function readEnded(socket) {
  socket[kEnded] = true;
  hold(socket);
}

module.exports = { hold, setReading, readEnded };
