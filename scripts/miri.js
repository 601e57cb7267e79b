'use strict';

// The Rust tests that Miri can run. It interprets a program and ends it where it does what Rust leaves undefined: a
// pointer beyond its memory, memory read before it was written, two mutable views of the same bytes.
//
// It runs the parser with a part of its vectors, and of the addon what needs neither Node nor sockets of the kernel: memory,
// records, output, queues, ids, and connections on simulated sockets. Miri has no epoll and no Node-API; valgrind and AddressSanitizer see
// those parts (docs/reliability.md). Skipped where Miri is not installed.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const commandLine = require('./command-line.js');

const USAGE = `npm run miri -- [PART ...]
  runs the Rust tests under Miri, if that is installed
  PART  h1 (the parser) or lib (the addon); both by default`;

const RUNS = {
  h1: ['-p', 'ferrohttp-h1', '--lib', '--test', 'vectors', '--test', 'properties'],
  lib: ['--lib'],
};

const cargo = (args, options) => spawnSync('cargo', ['+nightly', 'miri', ...args], { cwd: path.join(__dirname, '..'), ...options });

const { positionals: names, wrong } = commandLine(USAGE, {}, ['[PART ...]']);
for (const name of names) if (!Object.hasOwn(RUNS, name)) wrong(`there is no part '${name}'`);

if (cargo(['--version']).status !== 0) {
  console.log('skipped: rustup toolchain install nightly --component miri,rust-src');
} else {
  // The vectors are files.
  const env = { ...process.env, MIRIFLAGS: '-Zmiri-disable-isolation' };
  for (const name of names.length > 0 ? names : Object.keys(RUNS)) {
    const { status } = cargo(['test', ...RUNS[name]], { stdio: 'inherit', env });
    if (status !== 0) process.exitCode = 1;
  }
}
