// Runs the http server tests of a checkout of nodejs/node, by the names in names.txt: each on Node's own
// server first, then, if it passes there, on ours, at each level that was asked for. Exits with 1 if one passes on
// Node's only.

import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import commandLine from '../../scripts/command-line.js';

const LEVELS = ['fast', 'plain', 'sockets', 'node'];
const USAGE = `npm run node-core -- --checkout DIR [options]
  runs the http server tests of Node on Node's own server, and those that pass there on ours
  --checkout DIR  a checkout of nodejs/node; its tag should be that of the Node that runs the tests
  --node BIN      the Node that runs the tests (default: the one that runs this)
  --level NAMES   of ${LEVELS.join(', ')}, separated by commas (default: the level that ferrohttp chooses)
  --grep RE       only names that match
  --jobs N        tests side by side (default 2); those in sequential/ run alone
  --timeout S     seconds for one test (default 20)
  --retry N       further tries of a test that fails on ours (default 1)`;
const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.join(HERE, '../..');
const SWAP = path.join(HERE, 'swap.cjs');

const { values: opt, wrong } = commandLine(USAGE, {
  checkout: { type: 'path' },
  node: { type: 'program', default: process.execPath },
  level: { type: 'list', default: [''], choices: LEVELS },
  grep: { type: 'pattern' },
  jobs: { type: 'number', default: 2 },
  timeout: { type: 'number', default: 20 },
  retry: { type: 'number', default: 1 },
});
if (opt.checkout === undefined) wrong('--checkout DIR is missing');
const tests = path.resolve(opt.checkout, 'test');
if (!fs.existsSync(path.join(tests, 'parallel'))) wrong(`there is no test/parallel in ${opt.checkout}`);

// Environment variables of Node and of its tests must not reach the tests.
function environment() {
  return Object.fromEntries(Object.entries(process.env)
    .filter(([name]) => !/^(NODE_|TEST_|npm_|https?_proxy|no_proxy|NO_COLOR|FORCE_COLOR|FERROHTTP_)/i.test(name)));
}

const knownFlags = new Map();

/** Whether the Node under test has a command line option. */
function knows(flag) {
  if (!knownFlags.has(flag)) {
    const { status, stderr } = spawnSync(opt.node, [flag, '-e', '0'], { encoding: 'utf8', env: environment(), timeout: 5000 });
    knownFlags.set(flag, !(status === 9 && /bad option|is not allowed/.test(stderr)));
  }
  return knownFlags.get(flag);
}

/** The options and environment variables that a test names in its first lines. */
function wishes(file) {
  const head = fs.readFileSync(file, 'utf8').slice(0, 4000);
  const words = (tag) => [...head.matchAll(new RegExp(`^// ${tag}:(.*)$`, 'gm'))].flatMap(([, line]) => line.trim().split(/\s+/));
  const env = Object.fromEntries(words('Env').map((word) => word.split(/=(.*)/s).slice(0, 2)));
  return { flags: words('Flags').filter(Boolean), env };
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'node-core-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));
let serial = 0;

/** Runs a test once. Returns 'pass', 'skip', or its last output. */
function run(name, slot, impl, level) {
  const file = path.join(tests, name);
  const { flags, env: wished } = wishes(file);
  const kept = flags.filter(knows);
  const env = {
    ...environment(),
    NODE_TEST_DIR: path.join(scratch, String(slot)),
    TEST_THREAD_ID: String(slot),
    TEST_SERIAL_ID: String(++serial),
    NODE_COMMON_PORT: String(12346 + slot * 100),
    NODE_OPTIONS: `--require ${JSON.stringify(SWAP)}`,
    ...(kept.length < flags.length && { NODE_SKIP_FLAG_CHECK: '1' }),
    ...(impl && { NODE_CORE_IMPL: impl }),
    ...(level && { FERROHTTP_LEVEL: level }),
    ...wished,
  };
  fs.mkdirSync(env.NODE_TEST_DIR, { recursive: true });
  return new Promise((resolve) => {
    const child = spawn(opt.node, [...kept, file], { cwd: path.dirname(tests), env, detached: true });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('latin1').on('data', (text) => { output = (output + text).slice(-65_536); });
    }
    // A test may leave processes behind, so its whole process group is ended.
    const killGroup = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group has ended already.
      }
    };
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      killGroup();
    }, opt.timeout * 1000);
    child.on('error', (error) => { output += error.message; });
    child.on('exit', () => setTimeout(killGroup, 300));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      killGroup();
      if (code === 0) resolve(/^1\.\.0 # Skipped/m.test(output) ? 'skip' : 'pass');
      else resolve(late ? 'timed out' : `${signal ?? `exit code ${code}`}: ${lastWords(output)}`);
    });
  });
}

/** The most useful line of a failed test's output. */
function lastWords(output) {
  const lines = output.split('\n').map((line) => line.trim()).filter(Boolean);
  return (lines.findLast((line) => /Error\b|ERR_|Mismatched|assert/i.test(line) && !line.startsWith('at ')) ?? lines.at(-1) ?? '').slice(0, 200);
}

const totals = { passed: 0, failed: 0, skipped: 0 };

async function judge(name, slot) {
  const theirs = await run(name, slot);
  if (theirs !== 'pass') {
    totals.skipped += opt.level.length;
    if (theirs !== 'skip') console.log(`skipped  ${name}  fails on Node's own server: ${theirs}`);
    return;
  }
  for (const level of opt.level) {
    let ours;
    for (let tries = 0; tries <= opt.retry && ours !== 'pass'; tries++) ours = await run(name, slot, ROOT, level);
    if (ours === 'pass') {
      totals.passed++;
    } else {
      totals.failed++;
      console.log(`FAILED   ${name}  ${level && `at level ${level}: `}${ours}`);
    }
  }
}

async function all(names, jobs) {
  const queue = [...names];
  await Promise.all(Array.from({ length: jobs }, async (_, slot) => {
    for (let name; (name = queue.shift()) !== undefined;) await judge(name, slot);
  }));
}

const listed = fs.readFileSync(path.join(HERE, 'names.txt'), 'utf8').split('\n').filter(Boolean)
  .filter((name) => opt.grep === undefined || opt.grep.test(name));
const names = listed.filter((name) => fs.existsSync(path.join(tests, name)));
if (names.length < listed.length) console.log(`${listed.length - names.length} of ${listed.length} names are not in this checkout`);

await all(names.filter((name) => !name.startsWith('sequential/')), Math.max(1, opt.jobs));
await all(names.filter((name) => name.startsWith('sequential/')), 1);
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
