'use strict';

// Runs the engine's tests, and a serving process, under memcheck.
//
// In the first part all errors count, and memory that is lost at the end. The second part is a Node process that serves
// for a while. There only errors with a frame of the addon in their stack count, because memcheck does not understand
// V8's memory.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { binaryName } = require('../../lib/platform.js');
const commandLine = require('../../scripts/command-line.js');
const { Crowd } = require('./client/crowd.js');
const { printTally } = require('./lib/report.js');
const { ROOT, Subject } = require('./lib/subject.js');

const TARGET_DIR = path.join(ROOT, 'target/valgrind');

const USAGE = `npm run valgrind -- [options]
  runs the engine's tests, and a serving process, under memcheck
  --only PART  rust (the tests) or js (the process); both by default
  --seconds N  of load on the process, 60 by default`;

const { values: options } = commandLine(USAGE, {
  only: { type: 'string', choices: ['rust', 'js'] }, seconds: { type: 'number', default: 60 },
});

function fail(text) {
  console.error(`npm run valgrind: ${text}`);
  process.exit(1);
}

const env = {
  ...process.env,
  CARGO_TARGET_DIR: TARGET_DIR,
  CARGO_PROFILE_RELEASE_LTO: 'off',
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: '16',
  CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only',
  CARGO_PROFILE_RELEASE_STRIP: 'none',
  CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS: 'true', // some tests need what these plant
};

function cargo(...args) {
  const { status, stdout } = spawnSync('cargo', [...args, '--release', '--message-format=json'], {
    cwd: ROOT, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28,
  });
  if (status !== 0) fail(`cargo ${args.join(' ')} failed`);
  return stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

function rust() {
  const { executable } = cargo('test', '--test', 'engine', '--no-run').find((message) => message.executable);
  console.log('\nengine tests under memcheck');
  // Valgrind runs one thread at a time, so tests beside each other would only wait longer.
  const { status } = spawnSync('valgrind', [
    '--fair-sched=yes', '--error-exitcode=9', '--leak-check=full', '--errors-for-leak-kinds=definite', '--show-leak-kinds=definite', '--num-callers=30',
    executable, '--test-threads=1',
  ], { stdio: 'inherit' });
  if (status !== 0) {
    console.log(`FAILED: code ${status}`);
    process.exitCode = 1;
  }
}

async function js() {
  cargo('build', '--lib');
  const addon = path.join(TARGET_DIR, binaryName());
  fs.copyFileSync(path.join(TARGET_DIR, 'release/libferrohttp.so'), addon);
  const report = path.join(TARGET_DIR, 'report.xml');
  fs.rmSync(report, { force: true });
  // Node runs under valgrind through a script that is its `execPath`.
  const node = path.join(TARGET_DIR, 'node');
  fs.writeFileSync(node, `#!/bin/sh\nexec valgrind --fair-sched=yes --smc-check=all-non-file --num-callers=30 --xml=yes --xml-file='${report}' '${process.execPath}' "$@"\n`, { mode: 0o755 });
  console.log(`\na server under memcheck, ${options.seconds} s of load`);
  const subject = new Subject('main.js', { implementation: ROOT }, { node, env: { FERROHTTP_BINARY: addon }, flags: ['--jitless'] });
  const ports = await subject.order('listen');
  const crowd = new Crowd({ ports, seed: 1, clients: 8, rate: 8, patience: 120_000 });
  crowd.start();
  await sleep(options.seconds * 1000);
  await crowd.stop();
  printTally(crowd);
  await subject.order('stop').catch((error) => {
    console.log(`FAILED: ${error.message}`);
    process.exitCode = 1;
  });
  await subject.exit;
  const errors = fs.readFileSync(report, 'utf8').split('<error>').slice(1);
  const ours = errors.filter((error) => /<obj>[^<]*ferrohttp[^<]*\.node<\/obj>/.test(error) && !/<kind>Leak_/.test(error));
  for (const error of ours) {
    console.log([/<(?:what|text)>([^<]*)/.exec(error)?.[1], ...[...error.matchAll(/<fn>([^<]*)<\/fn>/g)].map(([, fn]) => `  ${fn}`)].join('\n'));
  }
  console.log(`${errors.length} errors in all, ${ours.length} with the addon in their stacks`);
  if (ours.length > 0 || crowd.wrong.length > 0) process.exitCode = 1;
}

async function main() {
  if (spawnSync('valgrind', ['--version'], { stdio: 'ignore' }).status !== 0) fail('valgrind was not found: install the package valgrind');
  if (options.only !== 'js') rust();
  if (options.only !== 'rust') await js();
}

main();
