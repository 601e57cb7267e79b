'use strict';

// Runs generated cases against node:http and ferrohttp in one process, over loopback sockets, and
// prints their differences by kind, each with its smallest reproducer. Exits with 1 if there is any.

const { spawnSync } = require('node:child_process');
const dc = require('node:diagnostics_channel');
const commandLine = require('../../scripts/command-line.js');
const { prometheus } = require('../../lib/observe/index.js');
const { node, ours } = require('../support/implementations.js');
const { ARENA_HANDLERS, ARENA_MODES, Arena } = require('./arena.js');
const { brief, firstDifference, kindOf } = require('./difference.js');
const { generate } = require('./generate.js');
const { shrink } = require('./shrink.js');

const USAGE = `npm run parity -- [options]
  compares random conversations with node:http and with ferrohttp, and shortens what differs
  --cases N       how many, 1,000 by default
  --seed S        of the generator, 1 by default
  --first I       the number of the first case, 0 by default
  --options JSON  of createServer, and maxHeadersCount, maxRequestsPerSocket, httpAllowHalfOpen
  --observed      ferrohttp with everything that watches refusals: the channel, a log, redaction, and its
                  refusals, counts and metrics read all the time
  --node BIN      another Node to run under
  --quiet         no progress
  --packets JSON  one case of your own, as a list of latin1 strings: both traces are printed
  --mode MODE     of that case, one of '${Object.keys(ARENA_MODES).join("', '")}'; listener by default
  --handler NAME  of that case, one of ${ARENA_HANDLERS.join(', ')}; hello by default`;

const BATCH = 128;
// Cases are batched with others of as many packets, out of so many.
const WINDOW = 16 * BATCH;
const PROGRESS_EVERY_MS = 10_000;
// A difference must show this often to be called a difference of the case, not of the run.
const CONFIRMATIONS = 3;
const MOST_KINDS_SHRUNK = 25;

function readArguments() {
  const { values } = commandLine(USAGE, {
    cases: { type: 'number', default: 1000 },
    seed: { type: 'number', default: 1 },
    first: { type: 'number', default: 0 },
    options: { type: 'json', default: {} },
    node: { type: 'program' },
    quiet: { type: 'boolean', default: false },
    observed: { type: 'boolean', default: false },
    packets: { type: 'json' },
    mode: { type: 'string', default: 'listener', choices: Object.keys(ARENA_MODES) },
    handler: { type: 'string', default: 'hello', choices: ARENA_HANDLERS },
  });
  return values;
}

function caseOf(seed, index) {
  const { kind, cut, packets, random } = generate(seed, index);
  return {
    index, kind, cut, packets,
    mode: random.pick(Object.keys(ARENA_MODES)),
    handler: random.pick(ARENA_HANDLERS),
  };
}

/** Watches the refusals of every server; what it was told. */
function watch() {
  const told = { batches: 0, refusals: 0, lost: 0, logged: 0 };
  const options = { refusals: { redact: { fields: ['x-mine'], query: true }, log: () => { told.logged++; } } };
  dc.subscribe('ferrohttp.server.refusals', ({ server, refusals, lost }) => {
    told.batches++;
    told.refusals += refusals.length;
    told.lost += lost;
    server.refusals();
    prometheus(server);
  });
  return { told, options };
}

function latin1(packets) {
  return JSON.stringify(packets.map((packet) => packet.toString('latin1')));
}

/** The cases of `found` by kind, each with its first case. */
class Differences {
  constructor() {
    this.kinds = new Map();
    this.total = 0;
    // Cases that had to be run again, because packets met.
    this.met = 0;
  }

  add(kind, spec, traces) {
    this.total++;
    const known = this.kinds.get(kind);
    if (known) known.count++;
    else this.kinds.set(kind, { count: 1, spec, traces });
  }
}

/** The names of the servers that do not show the same trace again; none if the difference stays. */
async function unsteady(arena, { spec, traces }) {
  for (let n = 1; n < CONFIRMATIONS; n++) {
    const [again] = await arena.run([spec]);
    const changed = [node, ours].filter((_, i) => firstDifference(traces[i], again[i]));
    if (changed.length > 0) return changed.map(({ name }) => name);
  }
  return [];
}

async function report(arena, { kinds, total }, { seed, options }) {
  console.log(`\n${total} cases differ, in ${kinds.size} kinds:`);
  let shown = 0;
  for (const [kind, found] of [...kinds].sort(([, a], [, b]) => b.count - a.count)) {
    const { count, spec } = found;
    console.log(`\n${count} x ${kind}`);
    if (shown++ >= MOST_KINDS_SHRUNK) continue;
    const changing = await unsteady(arena, found);
    if (changing.length > 0) {
      const { path, expected, actual } = firstDifference(...found.traces);
      console.log(`  first case ${spec.index} of seed ${seed} (${spec.mode}, ${spec.handler})`);
      console.log(`  at ${path}: ${brief(expected)} became ${brief(actual)}`);
      console.log(`  run again, ${changing.join(' and ')} shows something else`);
      continue;
    }
    const smallest = await shrink(arena, spec, kind);
    const [traces] = await arena.run([smallest]);
    const { path, expected, actual } = firstDifference(...traces) ?? {};
    console.log(`  first case ${spec.index} of seed ${seed} (${spec.kind}, ${spec.cut})`);
    console.log(`  at ${path}: ${brief(expected)} became ${brief(actual)}`);
    const given = Object.keys(options).length ? ` --options '${JSON.stringify(options)}'` : '';
    console.log(`  npm run parity -- --mode '${smallest.mode}' --handler ${smallest.handler}${given} ` +
      `--packets '${latin1(smallest.packets).replaceAll('\'', '\\u0027')}'`);
  }
}

/**
 * Whether the difference is only that packets met on their way to node:http, which a busy machine can
 * bring about: run alone, node:http shows something else than before, and ferrohttp the same as it.
 */
async function packetsMet(arena, spec, traces) {
  const [again] = await arena.run([spec]);
  return kindOf(again) === null && firstDifference(traces[0], again[0]) !== null;
}

async function runAll(arena, { cases, seed, first, quiet }) {
  const differences = new Differences();
  const begin = Date.now();
  let shown = begin;
  let window = [];
  for (let done = 0; done < cases;) {
    if (window.length === 0) {
      window = Array.from({ length: Math.min(WINDOW, cases - done) },
        (_, i) => caseOf(seed, first + done + i));
      window.sort((a, b) => a.packets.length - b.packets.length);
    }
    const batch = window.splice(0, BATCH);
    const traces = await arena.run(batch);
    for (const [i, spec] of batch.entries()) {
      const kind = kindOf(traces[i]);
      if (!kind) continue;
      if (await packetsMet(arena, spec, traces[i])) differences.met++;
      else differences.add(kind, spec, traces[i]);
    }
    done += batch.length;
    if (!quiet && (Date.now() - shown > PROGRESS_EVERY_MS || done === cases)) {
      shown = Date.now();
      const rate = Math.round(done / (shown - begin) * 1000);
      console.log(`${done} cases, ${rate} a second, ${differences.total} differ`);
    }
  }
  return differences;
}

async function runOne(arena, { packets, mode, handler }) {
  const spec = { packets: packets.map((text) => Buffer.from(text, 'latin1')), mode, handler };
  const [traces] = await arena.run([spec]);
  for (const trace of traces) console.dir(trace, { depth: null });
  const kind = kindOf(traces);
  console.log(kind ?? 'no difference');
  return kind === null;
}

async function main() {
  const args = readArguments();
  if (args.node) {
    const rest = process.argv.slice(2).filter((arg, i, all) =>
      !arg.startsWith('--node') && all[i - 1] !== '--node');
    const { status } = spawnSync(args.node, [__filename, ...rest], { stdio: 'inherit' });
    process.exit(status ?? 1);
  }
  const watching = args.observed ? watch() : null;
  const arena = await Arena.open([node, ours], { ...watching?.options, ...args.options });
  let same;
  if (args.packets) {
    same = await runOne(arena, args);
  } else {
    const differences = await runAll(arena, args);
    same = differences.total === 0;
    if (same) {
      console.log(`${args.cases} cases of seed ${args.seed} on Node ${process.versions.node}: ` +
        `no difference${differences.met ? `, ${differences.met} run twice` : ''}`);
      if (watching !== null) console.log('seen meanwhile:', watching.told);
    } else {
      await report(arena, differences, args);
    }
  }
  process.exit(same ? 0 : 1);
}

main();
