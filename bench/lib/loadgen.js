'use strict';

// Builds and runs the load generator.

const { spawn, spawnSync } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');

const crate = path.join(__dirname, '..', 'loadgen');
const binary = path.join(crate, 'target', 'release', 'loadgen');
exports.binary = binary;

// Cargo decides whether there is anything to build.
exports.build = function build() {
  const { status, error } = spawnSync('cargo', ['build', '--release', '--quiet', '--locked'], {
    cwd: crate,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error) throw new Error(`the load generator needs cargo to be built: ${error.message}`);
  if (status !== 0) throw new Error('the load generator does not build');
};

// `begun` is resolved when the measured time begins, or all idle connections are open. `result` is resolved with the
// report of the generator. `end` ends idle connections, so that the generator reports.
exports.load = function load(mode, options) {
  const args = [mode];
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) args.push(`--${name}`, String(value));
  }
  const child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let begin;
  const begun = new Promise((resolve) => { begin = resolve; });
  const result = new Promise((resolve, reject) => {
    let report;
    readline.createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) report = JSON.parse(line);
      else begin();
    });
    child.on('error', reject);
    child.on('close', (status) => {
      begin();
      if (status === 0 && report) resolve(report);
      else reject(new Error(`loadgen ${mode} failed (${status})`));
    });
  });
  return { begun, result, end: () => child.stdin.end() };
};

// Escapes text for the options of the generator.
exports.escape = (text) => text.replace(/[\\\r\n]/g, (c) => ({ '\\': '\\\\', '\r': '\\r', '\n': '\\n' }[c]));
