'use strict';

// The instructions that each piece of work of benches/instructions takes, counted by valgrind's callgrind, beside those
// of instructions.json. Fails if one takes more. No baseline holds for nanoseconds.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const commandLine = require('../scripts/command-line.js');

const USAGE = `npm run bench:instructions -- [options]
  counts the instructions of pieces of work, and fails if one takes more than in bench/instructions.json
  --update       writes the counts to bench/instructions.json
  --time PREFIX  prints nanoseconds in the place of instructions, of the work whose name
                 begins so, such as refusal-; needs no valgrind`;
const ROOT = path.join(__dirname, '..');
const BASELINE = path.join(__dirname, 'instructions.json');
const HINT = 'If it is to stay so: npm run bench:instructions -- --update';
const TOLERANCE = 0.05;
const TIMES = 200;
const TIMED = 1_000_000;
const ROUNDS = 3;

function run(command, args, options) {
  const { error, status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status})\n${stderr ?? ''}`);
  return { stdout, stderr };
}

// Counts repeat only where these are the same: the compiler, the libc that is linked to, and whether
// its and httparse's wide instructions are there.
function environment() {
  const rustc = run('rustc', ['-vV']).stdout;
  const cpu = fs.existsSync('/proc/cpuinfo') ? fs.readFileSync('/proc/cpuinfo', 'utf8') : '';
  return {
    rustc: rustc.split('\n')[0],
    target: /^host: (.*)$/m.exec(rustc)[1],
    glibc: process.report.getReport().header.glibcVersionRuntime ?? null,
    avx2: /\bavx2\b/.test(cpu),
  };
}

function build() {
  const args = ['build', '--release', '--locked', '--quiet', '--bench', 'instructions', '--message-format', 'json-render-diagnostics'];
  const { stdout } = run('cargo', args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 });
  const messages = stdout.trim().split('\n').map((line) => JSON.parse(line));
  return messages.find(({ executable, target }) => executable && target.name === 'instructions').executable;
}

function count(binary, name, times) {
  const { stderr } = run('valgrind', ['--tool=callgrind', '--callgrind-out-file=/dev/null', binary, name, String(times)], {
    // What else is in the environment would move the stack.
    env: { PATH: process.env.PATH },
  });
  return Number(/Collected : (\d+)/.exec(stderr)[1]);
}

function namesOf(binary) {
  return run(binary, []).stdout.trim().split('\n');
}

/** The processor time of a run, in ns: the shell knows it of its children. */
function cpu(binary, name, times) {
  const { stdout } = run('sh', ['-c', '"$0" "$1" "$2" && times', binary, name, String(times)]);
  const [, user, system] = /(\S+) (\S+)\s*$/.exec(stdout);
  const seconds = (text) => Number(/^(\d+)m/.exec(text)[1]) * 60 + Number(/m([\d.]+)s/.exec(text)[1]);
  return (seconds(user) + seconds(system)) * 1e9;
}

/** Prints the nanoseconds of each piece of work whose name begins so: the least of some runs. */
function time(binary, prefix) {
  const least = (name, times) => Math.min(...Array.from({ length: ROUNDS }, () => cpu(binary, name, times)));
  for (const name of namesOf(binary).filter((each) => each.startsWith(prefix))) {
    const nanoseconds = (least(name, 2 * TIMED) - least(name, TIMED)) / TIMED;
    console.log(`${name.padEnd(22)}${nanoseconds.toFixed(0).padStart(10)} ns`);
  }
}

function measure(binary) {
  const names = namesOf(binary);
  // Starting takes the same in both runs.
  return Object.fromEntries(names.map((name) => [
    name, Math.round((count(binary, name, 2 * TIMES) - count(binary, name, TIMES)) / TIMES),
  ]));
}

function verdict(before, now) {
  if (before === undefined) return 'new';
  if (now === undefined) return 'gone';
  if (now > before * (1 + TOLERANCE)) return 'MORE';
  if (now < before * (1 - TOLERANCE)) return 'less';
  return '';
}

function compare(before, now) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return names.map((name) => ({ name, before: before[name], now: now[name], verdict: verdict(before[name], now[name]) }));
}

function print(rows) {
  const line = (name, ...columns) => console.log(name.padEnd(22) + columns.map((column) => String(column).padStart(10)).join(''));
  line('instructions', 'baseline', 'now', 'change', '');
  for (const { name, before, now, verdict } of rows) {
    const change = before && now ? `${(100 * (now / before - 1)).toFixed(1)}%` : '';
    line(name, before ?? '', now ?? '', change, verdict);
  }
}

function main() {
  const { values } = commandLine(USAGE, { update: { type: 'boolean' }, time: { type: 'string' } });
  if (values.time !== undefined) {
    time(build(), values.time);
    return;
  }
  if (spawnSync('valgrind', ['--version']).error) {
    console.log('skipped: valgrind is not installed');
    return;
  }
  const baseline = fs.existsSync(BASELINE) ? JSON.parse(fs.readFileSync(BASELINE, 'utf8')) : { instructions: {} };
  const here = environment();
  const instructions = measure(build());
  const rows = compare(baseline.instructions, instructions);
  print(rows);
  if (values.update) {
    fs.writeFileSync(BASELINE, `${JSON.stringify({ ...here, instructions }, null, 2)}\n`);
    return;
  }
  const differing = Object.keys(here).filter((key) => here[key] !== baseline[key]);
  const found = (kind) => rows.some(({ verdict }) => verdict === kind);
  if (differing.length > 0) {
    const list = differing.map((key) => `${key} is ${here[key]}, was ${baseline[key]}`).join('; ');
    console.log(`warning: the baseline does not hold here, nothing was checked: ${list}`);
  } else if (found('MORE') || found('new') || found('gone')) {
    console.log(`FAILED: more than ${100 * TOLERANCE}% above the baseline, or not the same work as there. ${HINT}`);
    process.exitCode = 1;
  } else if (found('less')) {
    console.log(`more than ${100 * TOLERANCE}% below the baseline. ${HINT}`);
  }
}

main();
