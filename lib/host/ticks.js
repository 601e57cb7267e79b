'use strict';
// Running nextTick callbacks and microtasks, as Node does between two callbacks from its loop.

const { _tickCallback: runNextTicks } = process;

// Under --pending-deprecation that is a wrapper which warns when it is called for the first time,
// and a warning may end the process (--throw-deprecation).
if (!Function.prototype.toString.call(runNextTicks).includes('processTicksAndRejections')) spendWarning();

/**
 * Lets the wrapper take its warning for given. It marks that before it emits the warning, and it
 * emits it before it runs anything; so nothing is run here, and nobody sees a warning.
 */
function spendWarning() {
  const silenced = Object.getOwnPropertyDescriptor(process, 'noDeprecation');
  if (silenced?.writable === false) return; // --no-deprecation: it will never warn
  const { emitWarning } = process;
  const stop = {};
  try {
    process.emitWarning = () => { throw stop; };
    process.noDeprecation = false; // else it would neither mark nor emit anything, but run
    runNextTicks();
  } catch (error) {
    if (error !== stop) throw error;
  } finally {
    process.emitWarning = emitWarning;
    if (silenced === undefined) delete process.noDeprecation;
    else Object.defineProperty(process, 'noDeprecation', silenced);
  }
}

/** Stack traces name the receiver. */
const runTicks = runNextTicks.bind(process);

module.exports = { runTicks };
