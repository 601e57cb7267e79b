'use strict';
// What a libuv handle has read. It calls its `onread` with memory, of which the bytes may be a part;
// how much was read, and where, Node's own function for `onread` takes from state that it shares with
// C++. That function makes the Buffer, for a stream that is us.

/** `take(bytes)` for each packet, as a function of the memory that `onread` of `handle` is called with. */
function reader(handle, socket, take) {
  const { onread } = handle;
  const stream = Object.create(socket, {
    push: { value(bytes) { take(bytes); return true; } },
  });
  const stand = Object.create(handle);
  for (const symbol of Object.getOwnPropertySymbols(handle)) {
    // The owner, to whom reads are reported.
    if (handle[symbol] === socket) Object.defineProperty(stand, symbol, { value: stream });
  }
  return (memory) => Reflect.apply(onread, stand, [memory]);
}

module.exports = { reader };
