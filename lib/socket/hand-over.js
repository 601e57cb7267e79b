'use strict';
// The hand-over: it moves a connection from Rust to a libuv handle.

const { handleOf, openHandle, readHandle, endThroughHandle, writeThroughHandle } = require('../host/sockets');
const { systemError } = require('../errors');
const { native } = require('../engine');
const { atRest } = require('../engine/alive');
const { afterDeliveries } = require('../engine/turn');
const { forget } = require('./places');
const { kId, kPending, kBytesWritten, kRefed, kHolds, kStopped, kBehind } = require('./keys');

/**
 * Moves a native socket to a libuv handle. JavaScript goes on parsing (lib/connection/feed.js) at the byte at which
 * Rust stopped. If no handle can be made, the socket is destroyed.
 */
function handOver(socket) {
  const id = socket[kId];
  const bytesWritten = native.bytesWritten(id);
  const pending = socket[kPending];
  const isInternet = Boolean(native.address(id, false));
  const detached = native.detach(id);
  if (typeof detached === 'number') {
    // The hand-over needs a second descriptor for a moment, and none is left.
    socket.destroy(systemError(detached, 'dup'));
    return;
  }
  socket[kId] = -1;
  // A packet that was parsed before is still delivered under this id.
  if (detached.queued > 0) socket[kBehind] = true;
  else forget(socket);
  atRest(socket[kHolds] ? 0 : -1);
  socket[kBytesWritten] += bytesWritten;

  const handle = openHandle(socket, detached.fd, isInternet);
  if (!socket[kRefed]) handle.unref();

  socket[kPending] = null;
  sendRemains(socket, detached, pending);
  if (socket.parser?.handedOver) {
    socket.parser.handedOver(detached, handle);
  } else if (!socket[kStopped]) {
    startReading(socket, handle, detached); // as a new net.Socket does
  }
}

/**
 * Makes a handle read. An error or a hang-up that the system has already reported is reported here, since reading would
 * not find it again.
 */
function startReading(socket, handle, { error, hungUp }) {
  if (error === 0 && !hungUp) {
    readHandle(handle);
    return;
  }
  handle.reading = true;
  afterDeliveries(() => {
    if (socket.destroyed || !handleOf(socket)?.reading) return; // somebody has stopped reading
    if (error !== 0) {
      socket.destroy(systemError(error, 'read'));
    } else {
      socket.push(null);
      socket.read(0);
    }
  });
}

/** The packet that was still in the queue at the hand-over has been dispatched. */
function caughtUp(socket) {
  socket[kBehind] = false;
  forget(socket);
  socket.parser?.caughtUp?.();
}

/** Sends what Rust has not sent yet, and FIN if it was to follow. Then it calls the callback that waits for that. */
function sendRemains(socket, { pending, finWanted }, callback) {
  const chunks = [];
  for (let i = 0; i < pending.length; i += 2) {
    const chunk = pending[i + 1] === 0 ? pending[i] : pending[i].subarray(pending[i + 1]);
    socket[kBytesWritten] -= chunk.byteLength; // the handle will count them
    chunks.push({ chunk, encoding: 'buffer' });
  }
  const done = callback ?? ((error) => { if (error) socket.destroy(error); });
  const finish = (error) => (error || !finWanted ? done(error) : endThroughHandle(socket, done));
  if (chunks.length === 0) {
    if (finWanted || callback !== null) finish();
    return;
  }
  chunks.allBuffers = true;
  writeThroughHandle(socket, chunks, finish);
}

module.exports = { handOver, caughtUp, startReading };
