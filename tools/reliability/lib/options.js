'use strict';

// The command line options that these tools share.

const { parseArgs } = require('node:util');
const { buildIfStale, BuildFailure } = require('../../../scripts/build.js');
const { IMPLEMENTATIONS } = require('./subject.js');

const SHARED = {
  node: { type: 'string', default: process.execPath },
  'io-threads': { type: 'string' },
  implementation: { type: 'string', default: 'ferrohttp' },
  help: { type: 'boolean' },
};

const SHARED_USAGE = `  --node BIN           the Node that runs the servers
  --io-threads N       FERROHTTP_IO_THREADS of the servers
  --implementation I   ferrohttp, or node:http to see what a Node does itself`;

/** Reads options. An option is a number if its default is one. It also builds the addon if that is needed. */
module.exports = function options(usage, own) {
  const declared = Object.entries(own).map(([name, value]) =>
    [name, typeof value === 'boolean' ? { type: 'boolean', default: value } : { type: 'string', default: String(value) }]);
  const { values } = parseArgs({ options: { ...SHARED, ...Object.fromEntries(declared) } });
  if (values.help) {
    console.log(`${usage}\n${SHARED_USAGE}`);
    process.exit();
  }
  for (const [name, value] of Object.entries(own)) {
    if (typeof value !== 'number') continue;
    values[name] = Number(values[name]);
    if (!(values[name] >= 0)) throw new Error(`--${name} is not a number`);
  }
  const { implementation, node } = values;
  if (!(implementation in IMPLEMENTATIONS)) throw new Error(`there is no implementation '${implementation}'`);
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
    start: { node, env: threads === undefined ? {} : { FERROHTTP_IO_THREADS: threads } },
  };
};
