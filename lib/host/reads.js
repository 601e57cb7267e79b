'use strict';
// What a libuv handle has read. It calls its `onread` with memory, of which the bytes may be a part;
// how much was read, and where, Node's own function for `onread` takes from state that it shares with
// C++. That function makes the Buffer, for a stream that is us.

/**
 * Has `take(bytes)` called with each packet of a handle whose owner is `socket`, in the place of the stream, until
 * `isOver()`. Errors and FIN are the stream's. Returns what gives the bytes back to the stream.
 */
function divert(handle, socket, isOver, take) {
  const { onread } = handle;
  const stream = Object.create(socket, {
    push: { value(bytes) { take(bytes); return true; } },
  });
  const stand = Object.create(handle);
  for (const symbol of Object.getOwnPropertySymbols(handle)) {
    // The owner, to whom reads are reported.
    if (handle[symbol] === socket) Object.defineProperty(stand, symbol, { value: stream });
  }
  handle.onread = (memory) =>
    Reflect.apply(onread, memory === undefined || isOver() ? handle : stand, [memory]);
  return () => { handle.onread = onread; };
}

module.exports = { divert };
