'use strict';

// Runs the engine's tests, and the addon in a Node process, under AddressSanitizer.
//
// The first part runs the Rust tests with leak detection. For the second part, only the addon is instrumented, and
// gcc's libasan is loaded into an ordinary Node. It checks what Rust, and libuv or Node-API for it, do with the addon's
// memory. It does not look for leaks, because V8 exits without freeing its memory.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { binaryName } = require('../../lib/platform.js');
const commandLine = require('../../scripts/command-line.js');

const ROOT = path.join(__dirname, '../..');
const TARGET_DIR = path.join(ROOT, 'target/asan');

/** Test files for the addon, unless others are named. */
const FILES = [
  '__test__/engine/bodies.test.js', '__test__/engine/deferred.test.js', '__test__/engine/deliveries.test.js',
  '__test__/compare/messages.test.js', '__test__/compare/upgrade.test.js', '__test__/compare/client-error.test.js',
  '__test__/package/worker.test.js',
];

const USAGE = `npm run asan -- [options] [FILE ...]
  runs the engine's tests, and the addon in a Node process, under AddressSanitizer
  FILE         the JavaScript test files that are run; some that are about memory by default
  --only PART  rust (the engine's tests) or js (the addon); both by default
  --node BIN   the Node that loads the addon`;

const { values: options, positionals } = commandLine(USAGE, {
  node: { type: 'program', default: process.execPath }, only: { type: 'string', choices: ['rust', 'js'] },
}, ['[FILE ...]']);

function fail(text) {
  console.error(`npm run asan: ${text}`);
  process.exit(1);
}

function read(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

if (process.platform !== 'linux') fail('it is for Linux');
const host = /^host: (.*)$/m.exec(read('rustc', ['-vV']) ?? '')?.[1] ?? fail('rustc was not found');

const build = {
  ...process.env,
  CARGO_TARGET_DIR: TARGET_DIR,
  RUSTC_BOOTSTRAP: '1', // a stable compiler accepts the flag only with this
  RUSTFLAGS: '-Zsanitizer=address -Cforce-frame-pointers=yes',
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
  CARGO_PROFILE_RELEASE_STRIP: 'none',
  CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS: 'true', // some tests need what these plant
};

function run(what, command, args, env) {
  console.log(`\n${what}`);
  const { status, signal } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env });
  if (status === 0) return true;
  console.log(`FAILED: ${what} (${signal ?? `code ${status}`})`);
  process.exitCode = 1;
  return false;
}

// Naming the target keeps the flags away from build scripts and macros.
const cargo = (command, ...args) => [command, '--release', '--target', host, ...args];

function rust() {
  run('engine tests, with leak detection', 'cargo', cargo('test', '--test', 'engine'),
    { ...build, ASAN_OPTIONS: 'detect_leaks=1:halt_on_error=1' });
}

function js() {
  const runtime = read('cc', ['-print-file-name=libasan.so']);
  if (runtime === undefined || !path.isAbsolute(runtime)) fail('gcc with libasan is needed (package libasan, or gcc)');
  if (!run('the addon', 'cargo', cargo('build', '--lib'), build)) return;
  const addon = path.join(TARGET_DIR, binaryName());
  fs.copyFileSync(path.join(TARGET_DIR, host, 'release/libferrohttp.so'), addon);
  const files = positionals.length > 0 ? positionals : FILES;
  const log = path.join(TARGET_DIR, 'report');
  for (const name of fs.readdirSync(TARGET_DIR)) {
    if (name.startsWith('report.')) fs.rmSync(path.join(TARGET_DIR, name));
  }
  run(`the addon in Node: ${files.join(' ')}`, options.node, ['--test', '--test-reporter=dot', '--test-concurrency=1', ...files], {
    ...process.env,
    FERROHTTP_BINARY: addon,
    LD_PRELOAD: fs.realpathSync(runtime),
    // Reports go to files, because a test may expect a process to exit.
    ASAN_OPTIONS: `detect_leaks=0:halt_on_error=1:log_path=${log}`,
  });
  const reports = fs.readdirSync(TARGET_DIR).filter((name) => name.startsWith('report.'));
  for (const name of reports) console.log(fs.readFileSync(path.join(TARGET_DIR, name), 'utf8'));
  console.log(`${reports.length} reports of AddressSanitizer`);
  if (reports.length > 0) process.exitCode = 1;
}

if (options.only !== 'js') rust();
if (options.only !== 'rust') js();
