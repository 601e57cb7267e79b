'use strict';
// Ends an empty body that nobody reads, without the ticks and events that Node needs for it.

const { traits } = require('../traits');
const { dumpIsPlain } = require('.');

/** Whether a request would only emit 'end' and 'close', for which nobody listens. */
function isSpent(req) {
  const state = req._readableState;
  return dumpIsPlain() && req._eventsCount === 0 && req.complete && state.ended && state.length === 0 && !state.destroyed;
}

/** Sets the state that dumping the body of a spent request leads to. Node dumps the body of any other request. */
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
  if (traits.asksForErrorListeners) req.listenerCount('error'); // a program may have replaced the function
}

module.exports = { isSpent, dumpSpent };
