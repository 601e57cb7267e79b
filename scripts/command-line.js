'use strict';

// The command line of a script: its options, or its usage where that is asked for or a word is not known.

const { parseArgs } = require('node:util');

/** Ends the script with its usage: because it was asked for, or with what is wrong. */
function tell(usage, wrong) {
  if (wrong === undefined) console.log(usage);
  else console.error(`${wrong}\n\n${usage}`);
  process.exit(wrong === undefined ? 0 : 2);
}

/** What `parseArgs` makes of the command line. `usage` is printed for --help, and beside what is wrong. */
module.exports = function commandLine(usage, options = {}, { allowPositionals = false } = {}) {
  let parsed;
  try {
    parsed = parseArgs({ options: { ...options, help: { type: 'boolean', short: 'h' } }, allowPositionals });
  } catch (error) {
    // What Node says after the first sentence is about its own conventions.
    tell(usage, error.message.split('. ')[0]);
  }
  if (parsed.values.help) tell(usage);
  return parsed;
};
