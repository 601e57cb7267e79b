'use strict';
// The end of an empty body that nobody reads, without the ticks and events on the way there.

const { dumpIsPlain } = require('.');

/** A request that has no more to say than 'end' and 'close', which nobody listens for. */
function isSpent(req) {
  const state = req._readableState;
  return dumpIsPlain() && req._eventsCount === 0 && req.complete && state.ended && state.length === 0 && !state.destroyed;
}

/** What dumping the body of a spent request comes to. Others are dumped as Node does it. */
function dumpSpent(req) {
  if (!isSpent(req)) {
    req._dump();
    return;
  }
  req._dumped = true;
  const state = req._readableState;
  state.flowing = true;
  state.endEmitted = true;
  state.destroyed = true;
  state.closed = true;
  state.closeEmitted = true;
}

module.exports = { isSpent, dumpSpent };
