'use strict';

// npm run parity:time -- [--cases N] [--seed S] [--first I] [--minutes M] [--batch B] [--node BINARY]
//                        [--io-threads N] [--shrink K] [--quiet] [--steady] [--history JSON]
//
// Plays generated histories (`generate.js`) against node:http and ferrohttp in one process: many
// connections whose packets meet, that end in every state, and whose readers are slow. Prints the
// differences by kind, each with its smallest history. Every 250th is a crowd instead (`crowd.js`).
// Exits with 1 if there is any difference.
//
//   --cases       how many (1000)
//   --seed        of the generator (1)
//   --first       the number of the first history (0)
//   --minutes     stops after so long, however many were played
//   --batch       how many are played at once (48)
//   --shrink      how many kinds of differences are made small (25)
//   --node        another Node to run under
//   --io-threads  of the engine (0)
//   --steady      takes a difference for chance where node:http does not show the same each time, played again
//   --history     one history of your own: both traces are printed

const { spawnSync } = require('node:child_process');
const { parseArgs } = require('node:util');
const { brief } = require('../parity/difference.js');
const { supported } = require('../support/quiet.js');
const { crowdDifference, crowdOf } = require('./crowd.js');
const { difference } = require('./difference.js');
const { generate } = require('./generate.js');
const { Peer } = require('./peer.js');
const { shrink } = require('./shrink.js');
const { Stage } = require('./stage.js');
const { judge } = require('./verdict.js');

const PROGRESS_EVERY_MS = 10_000;
const CROWD_EVERY = 250;

function readArguments() {
  const { values } = parseArgs({
    options: {
      cases: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      first: { type: 'string', default: '0' },
      minutes: { type: 'string', default: 'Infinity' },
      batch: { type: 'string', default: '48' },
      shrink: { type: 'string', default: '25' },
      node: { type: 'string' },
      'io-threads': { type: 'string' },
      quiet: { type: 'boolean', default: false },
      steady: { type: 'boolean', default: false },
      history: { type: 'string' },
    },
  });
  for (const name of ['cases', 'seed', 'first', 'minutes', 'batch', 'shrink']) values[name] = Number(values[name]);
  return values;
}

/** The histories that differ by kind, each with its first. */
class Differences {
  constructor() {
    this.kinds = new Map();
    this.total = 0;
    this.numbers = [];
    // Histories that are a matter of chance on node:http, too.
    this.unsteady = 0;
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
async function playHistories(stage, { seed, quiet, steady }, numbers, differences) {
  const histories = numbers.map((number) => generate(seed, number));
  const { traces, left } = await stage.run(histories);
  for (const [i, history] of histories.entries()) {
    const found = difference(traces[i]);
    if (!found) continue;
    const verdict = await judge(stage, history, traces[i]);
    if (verdict.differs && !quiet) {
      console.log(`history ${numbers[i]}: ${found.kind}; again ${verdict.again} of ${verdict.played}${verdict.steady ? '' : ', unsteady'}`);
    }
    if (verdict.differs && (verdict.steady || !steady)) differences.add({ ...found, ...verdict, history, number: numbers[i] });
    else differences.unsteady++;
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
  while (done < cases && Date.now() < until) {
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

async function report(stage, { kinds, total, numbers, unsteady }, { seed, shrink: most }) {
  console.log(`\n${total} histories differ, in ${kinds.size} kinds: ${numbers.join(', ')}`);
  console.log(`${unsteady} more were a matter of chance on node:http, too`);
  let shown = 0;
  for (const [kind, found] of [...kinds].sort(([, a], [, b]) => b.count - a.count)) {
    console.log(`\n${found.count} x ${kind}`);
    console.log(`  history ${found.number} of seed ${seed}, ${found.where}: ` +
      `${brief(found.expected)} became ${brief(found.actual)}`);
    if (!found.history || shown++ >= most) continue;
    console.log(`  played again, it differed ${found.again} times of ${found.played}` +
      `${found.steady ? '' : '; node:http was different each time'}`);
    if (found.again === 0) continue;
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

async function playOne(stage, text) {
  const { traces: [traces] } = await stage.run([JSON.parse(text)]);
  for (const [i, { name }] of stage.pair.entries()) {
    console.log(name);
    print(traces[i]);
  }
  const found = difference(traces);
  console.log(found ? `${found.kind} (${found.where})` : 'no difference');
  return found === null;
}

async function main() {
  const args = readArguments();
  if (args.node || args['io-threads']) {
    const rest = process.argv.slice(2).filter((arg, i, all) =>
      !/^--(node|io-threads)\b/.test(arg) && !/^--(node|io-threads)$/.test(all[i - 1] ?? ''));
    const env = { ...process.env };
    if (args['io-threads']) env.FERROHTTP_IO_THREADS = args['io-threads'];
    const { status } = spawnSync(args.node ?? process.execPath, [__filename, ...rest], { stdio: 'inherit', env });
    process.exit(status ?? 1);
  }
  if (!supported) throw new Error('this needs /proc to know when nothing moves');
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
      console.log(`${done} histories of seed ${args.seed} on Node ${process.versions.node}: no difference` +
        (differences.unsteady ? `, ${differences.unsteady} a matter of chance` : ''));
    } else {
      await report(stage, differences, args);
    }
  }
  peer.stop();
  process.exit(same ? 0 : 1);
}

main();
