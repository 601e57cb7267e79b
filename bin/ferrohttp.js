#!/usr/bin/env node
'use strict';

// `npx ferrohttp COMMAND`. Each command is a module of bin/commands that exports `run(args)`, which may be async and
// sets process.exitCode.

const COMMANDS = {
  build: { does: 'compile the binary for this system with cargo', module: './commands/build.js' },
  doctor: { does: 'say at which level ferrohttp runs here, and why', module: './commands/doctor.js' },
  explain: { does: 'say whether a server accepts bytes, and why not', module: './commands/explain.js' },
  verify: { does: 'compare the parser with that of this Node', module: './commands/verify.js' },
};

function usage() {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`);
  return `Usage: ferrohttp COMMAND [OPTION ...]\n\n${lines.join('\n')}\n`;
}

function main([name, ...args]) {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage());
    return undefined;
  }
  if (!Object.hasOwn(COMMANDS, name)) {
    process.stderr.write(`ferrohttp: there is no command ${name}\n\n${usage()}`);
    process.exitCode = 2;
    return undefined;
  }
  return require(COMMANDS[name].module).run(args);
}

main(process.argv.slice(2));
