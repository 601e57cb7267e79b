'use strict';
// A turn: all deliveries that are ready, dispatched as Node dispatches what one round of its event loop has read.

const { runTicks } = require('../host');
const { Queue } = require('../queue');
const { native, onWake } = require('.');

/** Deliveries dispatched before other work of the event loop gets its turn. */
const DELIVERIES_PER_TURN = 1024;

let running = false;
const afterwards = new Queue(); // callbacks for the end of the turn

/**
 * Has `dispatch` called with the text of each delivery, and `begin` before the first of a turn. `dispatch`
 * returns true if nobody else's code ran.
 */
function serve(dispatch, begin) {
  onWake(() => {
    let finished = false;
    running = true;
    try {
      begin();
      // What libuv reports before it looks for events.
      runAfterwards();
      for (let i = 0; i < DELIVERIES_PER_TURN && !finished; i++) {
        const text = native.next();
        if (text !== null) {
          const silent = dispatch(text);
          if (!silent) runTicks();
        } else {
          runAfterwards();
          finished = native.goOn() === 0;
        }
      }
      runAfterwards();
    } finally {
      running = false;
      // The turn was too long, or a listener threw: the rest follows in a turn of its own.
      if (!finished || afterwards.length > 0) native.rewake();
    }
  });
}

/** In rounds, as libuv: what a callback causes is for the next one. */
function runAfterwards() {
  while (afterwards.length > 0) {
    native.flush(); // FIN, of which some of them tell
    for (let left = afterwards.length; left > 0; left--) {
      afterwards.shift()();
      runTicks();
    }
  }
}

/**
 * Calls back where libuv reports what it did at once: after the deliveries of this turn, or before those of
 * the next, if none is on.
 */
function afterDeliveries(callback) {
  afterwards.push(callback);
  // Not by a timer or an immediate: a program's tests may have put false ones in their place.
  if (!running) native.rewake();
}

module.exports = { serve, afterDeliveries };
