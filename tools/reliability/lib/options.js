'use strict';

// The command line options that these tools share.

const { buildIfStale, BuildFailure } = require('../../../scripts/build.js');
const commandLine = require('../../../scripts/command-line.js');
const { IMPLEMENTATIONS } = require('./subject.js');

const SHARED = {
  node: { type: 'program', default: process.execPath },
  'io-threads': { type: 'number' },
  implementation: { type: 'string', default: 'ferrohttp', choices: Object.keys(IMPLEMENTATIONS) },
};

const SHARED_USAGE = `  --node BIN           the Node that runs the servers
  --io-threads N       FERROHTTP_IO_THREADS of the servers
  --implementation I   ferrohttp, or node:http to see what a Node does itself`;

/**
 * Reads options, as scripts/command-line.js does; a number or a boolean stands for an option with this default. It also
 * builds the addon if that is needed.
 */
module.exports = function options(usage, own) {
  const declared = Object.entries(own).map(([name, value]) =>
    [name, typeof value === 'object' ? value : { type: typeof value, default: value }]);
  const { values } = commandLine(`${usage}\n${SHARED_USAGE}`, { ...SHARED, ...Object.fromEntries(declared) });
  const { implementation, node } = values;
  if (implementation === 'ferrohttp') {
    try {
      buildIfStale();
    } catch (error) {
      if (!(error instanceof BuildFailure)) throw error;
      console.error(`ferrohttp: ${error.message}`);
      process.exit(1);
    }
  }
  const threads = values['io-threads'];
  return {
    ...values,
    given: { implementation: IMPLEMENTATIONS[implementation] },
    start: { node, env: threads === undefined ? {} : { FERROHTTP_IO_THREADS: String(threads) } },
  };
};
