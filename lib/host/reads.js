'use strict';
// Gets what a libuv handle has read. The handle calls its `onread` with memory, and the bytes may be only a part of it.
// Node's own `onread` takes their place and number from state that it shares with C++. So that function is called to
// make the Buffer, and it pushes the Buffer to a stream that is ours.

const { symbols } = require('./symbols');

/**
 * Calls `take(bytes)` with each packet of a handle whose owner is `socket`, instead of giving it to the stream, until
 * `isOver()` returns true. Errors and FIN go to the stream. Returns a function that lets the stream have the bytes
 * again.
 */
function divert(handle, socket, isOver, take) {
  const { onread } = handle;
  const stream = Object.create(socket, {
    push: { value(bytes) { take(bytes); return true; } },
  });
  const stand = Object.create(handle, { [symbols.owner]: { value: stream } });
  handle.onread = (memory) =>
    Reflect.apply(onread, memory === undefined || isOver() ? handle : stand, [memory]);
  return () => { handle.onread = onread; };
}

module.exports = { divert };
