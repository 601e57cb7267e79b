'use strict';

// The servers that are compared. The first is the reference of all ratios.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { binary: loadgen } = require('./loadgen.js');

exports.contestants = function contestants(node) {
  const bin = (name) => path.join(__dirname, '..', 'node_modules', '.bin', name);
  return {
    node: { label: 'node:http', command: [node], env: { BENCH_HTTP: 'node:http' } },
    ferrohttp: { label: 'ferrohttp', command: [node], env: { BENCH_HTTP: 'ferrohttp' } },
    // ferrohttp at a lower level (docs/levels.md).
    plain: { label: 'ferrohttp at level plain', command: [node], env: { BENCH_HTTP: 'ferrohttp', FERROHTTP_LEVEL: 'plain' } },
    sockets: { label: 'ferrohttp at level sockets', command: [node], env: { BENCH_HTTP: 'ferrohttp', FERROHTTP_LEVEL: 'sockets' } },
    // Another copy of ferrohttp, in the folder that BENCH_OTHER names, so that two versions can be compared.
    other: { label: 'other ferrohttp', command: [node], env: { BENCH_HTTP: 'other' } },
    // The reference once more. The difference between the two is noise.
    'node-again': { label: 'node:http again', command: [node], env: { BENCH_HTTP: 'node:http' } },
    // The system calls and nothing else. No server that uses sockets in the usual way is faster on this machine.
    floor: { label: 'system calls only', command: [loadgen, 'floor'], bare: true },
    fastify: { label: 'fastify on node:http', command: [node], file: 'fastify.js', env: { BENCH_HTTP: 'node:http' } },
    bun: { label: 'Bun node:http', command: [bin('bun')], env: { BENCH_HTTP: 'node:http' } },
    deno: { label: 'Deno node:http', command: [bin('deno'), 'run', '-A'], env: { BENCH_HTTP: 'node:http' } },
  };
};

// Returns why a contestant cannot take part, or null. It also sets its `version`.
exports.check = function check(contestant) {
  if (contestant.bare) return null;
  const [command] = contestant.command;
  const version = spawnSync(command, ['--version'], { encoding: 'utf8' });
  if (version.error || version.status !== 0) return 'not installed';
  contestant.version = version.stdout.trim().split('\n')[0];
  const loads = spawnSync(command, [...contestant.command.slice(1), path.join(__dirname, 'loads.js'),
    contestant.file || ''], { encoding: 'utf8', env: { ...process.env, ...contestant.env } });
  return loads.status === 0 ? null : loads.stderr.trim().split('\n').find((line) => /Error/.test(line)) || 'does not load';
};
