'use strict';

// Plays generated histories (`generate.js`) on node:http and on ferrohttp in one process. They have many connections
// whose packets meet, that end in every state, and whose readers are slow. The program prints the differences by kind, each
// with its smallest history. If node:http does not always show the same, ferrohttp has to show something that node:http
// shows, too (`verdict.js`). Every 250th history is a crowd instead (`crowd.js`). It exits with 1 if there is any
// difference.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const commandLine = require('../../scripts/command-line.js');
const { brief } = require('../parity/difference.js');
const { seesThreads } = require('../support/quiet.js');
const { crowdDifference, crowdOf } = require('./crowd.js');
const { difference } = require('./difference.js');
const { generate } = require('./generate.js');
const { Peer, assertFixedRoom, fixedRoom } = require('./peer.js');
const { shrink } = require('./shrink.js');
const { Stage } = require('./stage.js');
const { judge } = require('./verdict.js');

const USAGE = `npm run parity:time -- [options]
  compares histories of packets in time with node:http and with ferrohttp, and shortens what differs
  --cases N         how many histories, 1,000 by default
  --seed S          of the generator, 1 by default
  --first I         the number of the first history, 0 by default
  --minutes M       stops after so long, however many were played
  --enough N        stops when so many differ
  --batch B         how many are played at once, 48 by default
  --shrink K        how many kinds of differences are made small, 25 by default
  --node BIN        another Node to run under
  --io-threads N    of the engine, 0 by default
  --quiet           no progress
  --verbose         prints each history in which node:http did not show the same each time
  --keep FOLDER     writes each history that differs into this folder, with the traces of both
  --history JSON    one history of your own: both traces are printed`;

const PROGRESS_EVERY_MS = 10_000;
const CROWD_EVERY = 250;
/** The environment variable by which this program knows that `start` has started it. */
const STARTED = 'FERROHTTP_TIME_STARTED';

function readArguments() {
  const { values } = commandLine(USAGE, {
    cases: { type: 'number', default: 1000 },
    seed: { type: 'number', default: 1 },
    first: { type: 'number', default: 0 },
    minutes: { type: 'number', default: Infinity },
    enough: { type: 'number', default: Infinity },
    batch: { type: 'number', default: 48 },
    shrink: { type: 'number', default: 25 },
    node: { type: 'program' },
    'io-threads': { type: 'number' },
    quiet: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    keep: { type: 'path' },
    history: { type: 'json' },
  });
  return values;
}

/** The histories that differ, by kind. */
class Differences {
  constructor() {
    this.kinds = new Map();
    this.total = 0;
    this.numbers = [];
    // The number of histories whose first plays differed, so that they were played again.
    this.judged = 0;
    // How many of these showed more than one thing on node:http, and in how many ferrohttp always showed one of them.
    this.unsteady = 0;
    this.bySet = 0;
  }

  /** A text of these numbers, if there is anything to say. */
  chance() {
    return `${this.judged} were played again, as they differed at first: node:http was unsteady in ${this.unsteady}, ` +
      `and in ${this.bySet} ours always showed what node:http shows, too`;
  }

  add(found) {
    this.total++;
    this.numbers.push(found.number);
    const known = this.kinds.get(found.kind);
    if (known) known.count++;
    else this.kinds.set(found.kind, { ...found, count: 1 });
  }
}

function isCrowd(number) {
  return number % CROWD_EVERY === CROWD_EVERY - 1;
}

async function playCrowd({ peer, pair }, seed, number, differences) {
  const found = await crowdDifference(peer, pair, crowdOf(seed, Math.floor(number / CROWD_EVERY)));
  if (found) differences.add({ ...found, number });
}

/** Plays histories, and adds what differs. */
async function playHistories(stage, { seed, enough, quiet, verbose, keep }, numbers, differences) {
  const histories = numbers.map((number) => generate(seed, number));
  const { traces, left } = await stage.run(histories);
  for (const [i, history] of histories.entries()) {
    const found = difference(traces[i]);
    if (!found) continue;
    if (differences.total >= enough) break;
    const verdict = await judge(stage, history, traces[i]);
    differences.judged++;
    if (verdict.unsteady) differences.unsteady++;
    if (!verdict.differs) differences.bySet++;
    if (!quiet && (verdict.differs || verbose)) {
      console.log(`history ${numbers[i]}: ${found.kind}; ours was strange ${verdict.again} times of ${verdict.played}, ` +
        `beside ${verdict.searched} plays of node:http${verdict.unsteady ? ', unsteady' : ''}`);
    }
    if (verdict.differs) {
      if (keep) {
        const file = path.join(keep, `${process.versions.node}-${seed}-${numbers[i]}.json`);
        fs.writeFileSync(file, JSON.stringify({ history, traces: verdict.traces }));
      }
      differences.add({ ...found, ...difference(verdict.traces), ...verdict, history, number: numbers[i] });
    }
  }
  if (left > 0) {
    differences.add({ kind: 'descriptors stay open', where: `${numbers.length} histories at once`, expected: 0, actual: left, number: numbers[0] });
  }
}

async function playAll(stage, { cases, seed, first, minutes, batch, ...how }) {
  const differences = new Differences();
  const begin = Date.now();
  const until = begin + minutes * 60_000;
  let shown = begin;
  let done = 0;
  while (done < cases && Date.now() < until && differences.total < how.enough) {
    const numbers = Array.from({ length: Math.min(batch, cases - done) }, (_, i) => first + done + i);
    await playHistories(stage, { seed, ...how }, numbers.filter((number) => !isCrowd(number)), differences);
    for (const number of numbers.filter(isCrowd)) await playCrowd(stage, seed, number, differences);
    done += numbers.length;
    if (!how.quiet && (Date.now() - shown > PROGRESS_EVERY_MS || done === cases)) {
      shown = Date.now();
      console.log(`${done} histories, ${Math.round(done / (shown - begin) * 1000)} a second, ${differences.total} differ`);
    }
  }
  return { differences, done };
}

async function report(stage, differences, { seed, shrink: most }) {
  const { kinds, total, numbers } = differences;
  console.log(`\n${total} histories differ, in ${kinds.size} kinds: ${numbers.join(', ')}`);
  console.log(differences.chance());
  let shown = 0;
  for (const [kind, found] of [...kinds].sort(([, a], [, b]) => b.count - a.count)) {
    console.log(`\n${found.count} x ${kind}`);
    console.log(`  history ${found.number} of seed ${seed}, ${found.where}: ` +
      `${brief(found.expected)} became ${brief(found.actual)}`);
    if (!found.history || shown++ >= most) continue;
    console.log(`  ours was strange ${found.again} times of ${found.played}; node:http was played ${found.searched} times, ` +
      `and was ${found.unsteady ? 'not always' : 'always'} the same`);
    const smallest = await shrink(stage, found.history, kind);
    console.log(`  npm run parity:time -- --history '${JSON.stringify(smallest).replaceAll('\'', '\\u0027')}'`);
  }
}

function print({ summary, clients, sockets }) {
  for (const { c, events } of sockets) {
    console.log(`  connection ${c}`);
    for (const [step, ...event] of events) console.log(`    ${step}  ${event.join(', ')}`);
  }
  for (const [c, client] of clients.entries()) {
    if (!client) continue;
    console.log(`  client ${c}: ${client.seen.map(({ end, total }) => `${end} ${total}`).join(', ')}`);
    console.log(`    ${brief(client.text)}`);
  }
  console.log(`  ${summary.join(', ')}`);
}

async function playOne(stage, history) {
  const { traces: [traces] } = await stage.run([history]);
  for (const [i, { name }] of stage.pair.entries()) {
    console.log(name);
    print(traces[i]);
  }
  const found = difference(traces);
  console.log(found ? `${found.kind} (${found.where})` : 'no difference');
  return found === null;
}

/** Starts this program again, with the environment and the Node that it needs, and returns how it ended. */
function start({ node = process.execPath, 'io-threads': ioThreads }) {
  if (!seesThreads) throw new Error('this needs /proc to know when nothing moves');
  const env = { ...process.env, ...fixedRoom(), [STARTED]: '1' };
  if (ioThreads !== undefined) env.FERROHTTP_IO_THREADS = String(ioThreads);
  const { status } = spawnSync(node, [__filename, ...process.argv.slice(2)], { stdio: 'inherit', env });
  return status ?? 1;
}

async function main() {
  const args = readArguments();
  if (!process.env[STARTED]) process.exit(start(args));
  assertFixedRoom();
  delete process.env.LD_PRELOAD;
  const { node, ours } = require('../support/implementations.js');
  const peer = Peer.start();
  const stage = new Stage(peer, [node, ours]);
  let same;
  if (args.history) {
    same = await playOne(stage, args.history);
  } else {
    const { differences, done } = await playAll(stage, args);
    same = differences.total === 0;
    if (same) {
      console.log(`${done} histories of seed ${args.seed} on Node ${process.versions.node}: no difference`);
      console.log(differences.chance());
    } else {
      await report(stage, differences, args);
    }
  }
  peer.stop();
  process.exit(same ? 0 : 1);
}

main();
