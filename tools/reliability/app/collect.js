'use strict';

/** Has the garbage collector run, until what it found has been finalized. Needs --expose-gc. */
module.exports = async function collect() {
  for (let i = 0; i < 3; i++) {
    global.gc();
    // Finalizers run in later turns.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
