'use strict';

// `npx ferrohttp doctor`: says at which level ferrohttp runs here, and why.

const USAGE = `Usage: ferrohttp doctor

Says at which level ferrohttp runs under this Node, and why. The exit code is
1 if ferrohttp has lowered the level itself.
`;

const MEANING = {
  fast: 'all of ferrohttp',
  plain: 'ferrohttp\'s engine and parser, without shortcuts around Node\'s message classes',
  sockets: 'ferrohttp\'s parser and error path, with Node\'s own sockets',
  node: 'Node\'s own server; ferrohttp counts, keeps and answers refusals',
};

function binary() {
  try {
    require('../../lib/native.js');
    return 'loads';
  } catch (error) {
    return error.message;
  }
}

function run(args) {
  if (args.length > 0) {
    const known = args[0] === '--help' || args[0] === '-h';
    if (known) process.stdout.write(USAGE);
    else process.stderr.write(`ferrohttp doctor: it takes no ${args[0]}\n\n${USAGE}`);
    process.exitCode = known ? 0 : 2;
    return;
  }
  process.removeAllListeners('warning'); // the reasons are printed below
  const { implementation } = require('../../lib/implementation.js');
  const { level } = require('../../lib/host/level.js');
  const { isVerified } = require('../../lib/host/verified.js');
  implementation({ withoutBinary: true });
  const { node, llhttp } = process.versions;
  const rows = [
    ['ferrohttp', require('../../package.json').version],
    ['Node', node],
    ['llhttp', `${llhttp}, ${isVerified(process.versions) ? 'verified' : 'compared with ferrohttp\'s parser at each load'}`],
    ['platform', `${process.platform} ${process.arch}`],
    ['binary', binary()],
    ['level', `${level.name}: ${MEANING[level.name]}`],
    ...level.asked === undefined ? [] : [['', `set by the environment (${level.asked})`]],
    ...level.reasons.map((reason) => ['', reason]),
  ];
  if (level.name !== 'node') {
    const { shortcuts } = require('../../lib/host/shortcuts');
    for (const [name, { open, closedBy }] of Object.entries(shortcuts)) {
      const why = closedBy.length > 0 ? `closed, because this was changed or wrapped: ${closedBy.join(', ')}` : 'closed at this level';
      rows.push([`shortcut ${name}`, open ? 'open' : why]);
    }
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  process.stdout.write(rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join(''));
  process.exitCode = level.reasons.length > 0 ? 1 : 0;
}

module.exports = { run };
