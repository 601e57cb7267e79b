'use strict';

// Shows where the time of a server goes in one scenario: for the JavaScript thread by V8's profiler, then for all
// threads by perf, with the symbols of an unstripped build of the addon.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { contestants: contestantsFor } = require('./lib/contestants.js');
const { build, load } = require('./lib/loadgen.js');
const { start } = require('./lib/server.js');
const scenarios = require('./scenarios');
const commandLine = require('../scripts/command-line.js');

const profiled = scenarios.filter((scenario) => scenario.work);
const USAGE = `node bench/profile.js SCENARIO [options]
  shows where the time of a server goes
  SCENARIO           ${commandLine.wrapped(profiled.map(({ name }) => name), 21)}
  --contestant NAME  as of npm run bench, ferrohttp by default
  --seconds N        of load, 5 by default
  --top N            functions of each thread, 25 by default
  --node BIN         the Node that runs the server
  --keep DIR         leaves the .cpuprofile and perf.data there`;
const root = path.join(__dirname, '..');

function options() {
  const { values, positionals: [name], wrong } = commandLine(USAGE, {
    contestant: { type: 'string', default: 'ferrohttp', choices: Object.keys(contestantsFor()) },
    seconds: { type: 'number', default: 5 },
    top: { type: 'number', default: 25 },
    node: { type: 'program', default: process.execPath },
    keep: { type: 'string' },
  }, ['SCENARIO']);
  const scenario = profiled.find((one) => one.name === name) ?? wrong(`there is no scenario '${name}'`);
  return { ...values, scenario, contestant: contestantsFor(values.node)[values.contestant] };
}

// Builds the addon as it is released, but with its symbols.
function unstripped() {
  const target = path.join(root, 'target', 'profile');
  const { status } = spawnSync('cargo', ['build', '--release', '--lib', '--quiet', '--target-dir', target], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, CARGO_PROFILE_RELEASE_STRIP: 'none', CARGO_PROFILE_RELEASE_DEBUG: 'line-tables-only' },
  });
  if (status !== 0) throw new Error('the addon does not build');
  const library = path.join(target, 'release', 'libferrohttp.so');
  const addon = path.join(target, 'ferrohttp.node');
  fs.copyFileSync(library, addon);
  return addon;
}

async function underLoad({ contestant, scenario, seconds }, extra, during) {
  const { mode, file, argv, options: loadOptions } = scenario.work;
  const server = await start(contestant, file, argv, extra);
  const { begun, result } = load(mode, { ...loadOptions, port: server.port, pid: server.pid, seconds, warmup: 1 });
  await begun;
  during(server.pid);
  const report = await result;
  await server.stop();
  return report;
}

function print(rows, total, top, format) {
  for (const [key, value] of [...rows].sort((a, b) => b[1] - a[1]).slice(0, top)) {
    console.log(`${((value / total) * 100).toFixed(1).padStart(6)}%  ${format(key)}`);
  }
}

function printCpuProfile(file, top) {
  const { nodes, samples, timeDeltas } = JSON.parse(fs.readFileSync(file, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const self = new Map();
  let total = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id).callFrame;
    if (functionName === '(idle)') return;
    const place = url ? ` ${url.replace(/^file:\/\//, '').replace(`${root}/`, '')}:${lineNumber + 1}` : '';
    const key = `${functionName || '(anonymous)'}${place}`;
    self.set(key, (self.get(key) || 0) + timeDeltas[i]);
    total += timeDeltas[i];
  });
  print(self, total, top, (key) => key);
}

// Names the activity of one stack of `perf script` (innermost frame first): what ran, and for which caller.
function attribute(frames) {
  const [innermost] = frames;
  // The function that the entry of the kernel called.
  const entry = frames.findIndex(({ symbol }) => symbol === 'do_syscall_64');
  const syscall = frames.slice(0, Math.max(entry, 0)).findLast(({ symbol }) => symbol !== 'x64_sys_call');
  let part;
  if (syscall && /^(exit_to_user_mode|asm_)/.test(syscall.symbol)) part = 'kernel, other';
  else if (syscall) part = `system call ${syscall.symbol.replace(/^(__x64_sys_|__sys_|ksys_|__do_sys_|do_|vfs_)/, '')}`;
  else if (innermost.object.startsWith('[')) part = 'kernel, other';
  else if (innermost.object.endsWith('.map')) part = 'compiled JavaScript';
  else part = innermost.object;
  return { part, leaf: `${innermost.symbol} (${innermost.object})` };
}

function* stacks(text) {
  for (const block of text.split('\n\n')) {
    const [head, ...rest] = block.trimStart().split('\n');
    const comm = head.match(/^(.+?)\s+\d+/);
    const frames = rest.map((line) => line.match(/^\s*[0-9a-f]+\s+(.+)\s+\((.*)\)$/)).filter(Boolean)
      // The hashes in Rust's names and the directories of objects are left out, because they only split what belongs
      // together.
      .map(([, symbol, object]) => ({ symbol: symbol.replace(/::h[0-9a-f]{16}$/, ''), object: object.replace(/.*\//, '') }));
    if (comm && frames.length > 0) yield { thread: comm[1], frames };
  }
}

function printPerf(file, top) {
  const { stdout } = spawnSync('perf', ['script', '-i', file, '-F', 'comm,tid,ip,sym,dso'], { encoding: 'utf8', maxBuffer: 1 << 30 });
  const threads = new Map();
  const add = (map, key) => map.set(key, (map.get(key) || 0) + 1);
  let total = 0;
  for (const { thread, frames } of stacks(stdout)) {
    const entry = threads.get(thread) || { samples: 0, parts: new Map(), leaves: new Map() };
    const { part, leaf } = attribute(frames);
    entry.samples += 1;
    add(entry.parts, part);
    add(entry.leaves, leaf);
    threads.set(thread, entry);
    total += 1;
  }
  for (const [thread, { samples, parts, leaves }] of threads) {
    if (samples / total < 0.01) continue;
    console.log(`\nthread ${thread}: ${((samples / total) * 100).toFixed(1)}% of all samples, by part:`);
    print(parts, samples, 12, (key) => key);
    console.log('  by function:');
    print(leaves, samples, top, (key) => key);
  }
}

async function main() {
  const chosen = options();
  build();
  const directory = chosen.keep || fs.mkdtempSync(path.join(os.tmpdir(), 'profile-'));
  fs.mkdirSync(directory, { recursive: true });

  console.log(`${chosen.scenario.title}, ${chosen.contestant.label}`);
  console.log('\nJavaScript thread, self time (--cpu-prof):');
  const profile = path.join(directory, 'js.cpuprofile');
  await underLoad(chosen, { flags: ['--cpu-prof', `--cpu-prof-dir=${directory}`, '--cpu-prof-name=js.cpuprofile'] }, () => {});
  printCpuProfile(profile, chosen.top);

  if (spawnSync('perf', ['--version']).error) {
    console.log('\nperf is not installed: no profile of the native threads');
    return;
  }
  const env = chosen.contestant.env.BENCH_HTTP === 'ferrohttp' ? { FERROHTTP_BINARY: unstripped() } : {};
  const data = path.join(directory, 'perf.data');
  const report = await underLoad(chosen, { env, flags: ['--perf-basic-prof'] }, (pid) => {
    // It samples cpu-clock, because virtual machines often have no hardware counters.
    spawnSync('perf', ['record', '-q', '-e', 'cpu-clock', '-F', '1999', '-g', '-p', String(pid), '-o', data, '--',
      'sleep', String(Math.max(1, chosen.seconds - 1))], { stdio: ['ignore', 'ignore', 'inherit'] });
  });
  console.log('\nall threads, self time (perf record -e cpu-clock):');
  printPerf(data, chosen.top);
  const { server, requests } = report;
  console.log(`\nCPU us per request by thread: ${server.threads.map(({ name, cpuUs }) => `${name} ${(cpuUs / requests).toFixed(2)}`).join(', ')}`);
  if (!chosen.keep) fs.rmSync(directory, { recursive: true });
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
