'use strict';
// A turn dispatches all deliveries that are ready, as Node dispatches everything that one iteration of its event loop
// has read.

const { runTicks } = require('../host');
const { Queue } = require('../queue');
const { native, onWake } = require('.');

/** How many deliveries are dispatched before the event loop does other work. */
const DELIVERIES_PER_TURN = 1024;

let running = false;
const afterwards = new Queue(); // callbacks for the end of the turn

/**
 * Calls `dispatch` with the text of each delivery, and `begin` at the beginning of each turn. `dispatch` returns true
 * if no code of the program ran.
 */
function serve(dispatch, begin) {
  onWake(() => {
    let finished = false;
    running = true;
    try {
      begin();
      // libuv calls these back before it polls for events.
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
      // The turn was too long, or a listener threw. The rest is dispatched in another turn.
      if (!finished || afterwards.length > 0) native.rewake();
    }
  });
}

/** Runs the callbacks in rounds, as libuv does: a callback that is added meanwhile belongs to the next round. */
function runAfterwards() {
  while (afterwards.length > 0) {
    native.flush(); // sends FIN, which some of the callbacks report
    for (let left = afterwards.length; left > 0; left--) {
      afterwards.shift()();
      runTicks();
    }
  }
}

/**
 * Calls `callback` when libuv would report a request that was done at once: after the deliveries of this turn or,
 * between two turns, before the deliveries of the next one.
 */
function afterDeliveries(callback) {
  afterwards.push(callback);
  // A timer or an immediate would not do, because the program's tests may have replaced them.
  if (!running) native.rewake();
}

module.exports = { serve, afterDeliveries };
