'use strict';

// Runs the tests and prints their totals.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { pathToFileURL } = require('node:url');
const { BuildFailure, buildIfStale } = require('./build.js');
const { bundledCopy } = require('./bundled-copy.js');
const commandLine = require('./command-line.js');
const { patience } = require('../__test__/support/patience.js');

const USAGE = `npm test -- [options] [WORD ...]
  runs the Rust tests, then the JavaScript tests
  WORD        only the JavaScript test files whose paths contain one of these
  --rust      only Rust
  --js        only JavaScript
  --node BIN  the Node that runs the JavaScript tests
  --no-build  with the present binary
  --bundled   the JavaScript tests on ferrohttp as it is published, in a copy of the clone with lib/ in one file
  --again N   runs a JavaScript test file with a failure once more, up to N times, because many tests depend on
              time, and a busy machine disturbs them; 0 by default`;

const ROOT = path.join(__dirname, '..');
// The time limit for what hangs: for each file on Node 20 and 22, and for each test on newer releases.
const TIMEOUT = 8 * 60 * 1000 * patience;
// How many test files run at once. The default would be one on two processors, but many tests wait for time to pass.
const CONCURRENCY = Math.max(2, os.availableParallelism() - 1);

const { values: options, positionals: words } = commandLine(USAGE, {
  rust: { type: 'boolean' },
  js: { type: 'boolean' },
  node: { type: 'program', default: process.execPath },
  'no-build': { type: 'boolean' },
  bundled: { type: 'boolean' },
  again: { type: 'number', default: 0 },
}, ['[WORD ...]']);
const everything = !options.rust && !options.js;

// Runs a command in a folder, prints its output, and calls `see` with each line.
async function run(command, args, see, cwd = ROOT) {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });
  for await (const line of readline.createInterface({ input: child.stdout })) {
    console.log(line);
    see(line);
  }
  return exit;
}

async function rustTests() {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const cargo = (...args) => run('cargo', ['test', ...args], (line) => {
    const found = /^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
    if (!found) return;
    total.passed += Number(found[1]);
    total.failed += Number(found[2]);
    total.skipped += Number(found[3]);
  });
  const good = await cargo('--workspace') && await cargo('--lib', '--features', 'schedules', 'schedules::');
  return { name: 'Rust', good, total };
}

/** The paths of the test files, with slashes on Windows, too: so the words of workflows and pages fit everywhere. */
function testFiles() {
  return fs.readdirSync(path.join(ROOT, '__test__'), { recursive: true })
    .filter((name) => /\.test\.m?js$/.test(name) && !name.includes('node_modules'))
    .map((name) => `__test__/${name.replaceAll(path.sep, '/')}`)
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .sort();
}

/** Runs test files in a folder; which of them had a test that failed stands in `failedFiles`. */
async function runFiles(files, folder) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const list = path.join(os.tmpdir(), `ferrohttp-failed-${process.pid}`);
  const args = ['--test', `--test-timeout=${TIMEOUT}`, `--test-concurrency=${CONCURRENCY}`,
    '--test-reporter=spec', '--test-reporter-destination=stdout',
    `--test-reporter=${pathToFileURL(path.join(__dirname, 'failed-files.js'))}`, `--test-reporter-destination=${list}`, ...files];
  const good = await run(options.node, args, (line) => {
    const found = /^ℹ (pass|fail|cancelled|skipped|todo) (\d+)$/.exec(line);
    if (!found) return;
    const kind = { pass: 'passed', fail: 'failed', cancelled: 'failed' }[found[1]] ?? 'skipped';
    total[kind] += Number(found[2]);
  }, folder);
  const text = fs.existsSync(list) ? fs.readFileSync(list, 'utf8') : '';
  fs.rmSync(list, { force: true });
  return { good, total, failedFiles: text.split('\n').filter(Boolean) };
}

async function jsTests() {
  if (!options['no-build']) buildIfStale();
  const files = testFiles();
  if (files.length === 0) throw new BuildFailure('no test file was selected');
  const folder = options.bundled ? bundledCopy() : ROOT;
  let { good, total, failedFiles } = await runFiles(files, folder);
  for (let times = options.again; !good && times > 0 && failedFiles.length > 0; times--) {
    const names = failedFiles.map((file) => path.relative(folder, file));
    console.log(`\n${total.failed} failed: once more ${names.join(' ')}`);
    const repeated = await runFiles(names, folder);
    total = { ...total, passed: total.passed + Math.max(0, total.failed - repeated.total.failed), failed: repeated.total.failed };
    ({ good, failedFiles } = repeated);
  }
  return { name: 'JavaScript', good, total };
}

async function main() {
  const results = [];
  if (everything || options.rust) results.push(await rustTests());
  if (everything || options.js) results.push(await jsTests());
  console.log();
  for (const { name, good, total: { passed, failed, skipped } } of results) {
    console.log(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped${good ? '' : ' - FAILED'}`);
  }
  if (!results.every(({ good }) => good)) process.exitCode = 1;
}

main().catch((error) => {
  if (!(error instanceof BuildFailure)) throw error;
  console.error(`ferrohttp: ${error.message}`);
  process.exitCode = 1;
});
