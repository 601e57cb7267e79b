'use strict';
// Runs nextTick callbacks and microtasks, as Node does between two callbacks of its event loop.

const { _tickCallback: runNextTicks } = process;

// Under --pending-deprecation `_tickCallback` is a wrapper that emits a warning when it is called for the first time.
// With --throw-deprecation that would end the process.
if (!Function.prototype.toString.call(runNextTicks).includes('processTicksAndRejections')) spendWarning();

/**
 * Makes the wrapper believe that it has emitted its warning. The wrapper notes that, then emits the warning, and then
 * runs the callbacks. Here emitting throws, so that nobody sees the warning and nothing is run.
 */
function spendWarning() {
  const silenced = Object.getOwnPropertyDescriptor(process, 'noDeprecation');
  if (silenced?.writable === false) return; // with --no-deprecation it never warns
  const { emitWarning } = process;
  const stop = {};
  try {
    process.emitWarning = () => { throw stop; };
    process.noDeprecation = false; // otherwise it would run the callbacks without a warning
    runNextTicks();
  } catch (error) {
    if (error !== stop) throw error;
  } finally {
    process.emitWarning = emitWarning;
    if (silenced === undefined) delete process.noDeprecation;
    else Object.defineProperty(process, 'noDeprecation', silenced);
  }
}

/** It is bound, because stack traces show the receiver: `process.processTicksAndRejections`. */
const runTicks = runNextTicks.bind(process);

module.exports = { runTicks };
