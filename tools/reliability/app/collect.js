'use strict';

/** Runs the garbage collector, and waits until everything that it found is finalized. It needs --expose-gc. */
module.exports = async function collect() {
  for (let i = 0; i < 3; i++) {
    global.gc();
    // Finalizers run in later turns.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
