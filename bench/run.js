'use strict';

// Measures ferrohttp and node:http in one scenario after the other. In each round they take turns.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const { check, contestants: contestantsFor } = require('./lib/contestants.js');
const { build } = require('./lib/loadgen.js');
const { print, printDoubts, summarize } = require('./lib/report.js');
const scenarios = require('./scenarios');
const commandLine = require('../scripts/command-line.js');

const USAGE = `npm run bench -- [options]
  measures ferrohttp and node:http in one scenario after the other
  --only NAMES         scenarios, separated by commas (--list shows them)
  --contestants NAMES  node,ferrohttp,floor by default (floor: system calls only);
                       also other (the copy of ferrohttp in the folder BENCH_OTHER),
                       plain and sockets (ferrohttp at these levels),
                       node-again (noise), fastify, bun, deno
  --rounds N           5 by default; medians are over these
  --seconds S          measured time of a round, 3 by default
  --warmup S           before it, 1 by default
  --node BIN           the Node that runs the servers
  --json FILE          writes every figure of every round
  --list               prints the scenarios instead`;

function options() {
  const names = scenarios.map(({ name }) => name);
  return commandLine(USAGE, {
    only: { type: 'list', default: names, choices: names },
    contestants: { type: 'list', default: ['node', 'ferrohttp', 'floor'], choices: Object.keys(contestantsFor()) },
    rounds: { type: 'number', default: 5 },
    seconds: { type: 'number', default: 3 },
    warmup: { type: 'number', default: 1 },
    node: { type: 'program', default: process.execPath },
    json: { type: 'string' },
    list: { type: 'boolean' },
  }).values;
}

// The contestants that can take part. It is an error if node or ferrohttp cannot.
function admit(names, node) {
  const all = contestantsFor(node);
  const admitted = {};
  for (const name of names) {
    const reason = check(all[name]);
    if (reason === null) admitted[name] = all[name];
    else if (name === 'ferrohttp' || name === 'node') throw new Error(`${all[name].label}: ${reason}`);
    else console.log(`without ${all[name].label}: ${reason}`);
  }
  return admitted;
}

function installed(module) {
  try {
    require.resolve(module);
    return true;
  } catch {
    return false;
  }
}

const takesPart = (scenario, name) => (scenario.only ? scenario.only.includes(name)
  // These have only a hello server.
  : !['fastify', 'floor'].includes(name) || /^(hello|pipelined)/.test(scenario.name));

async function play(scenario, admitted, { rounds, seconds, warmup }) {
  const names = Object.keys(admitted).filter((name) => takesPart(scenario, name));
  const figures = Object.fromEntries(names.map((name) => [name, []]));
  const doubts = [];
  for (let round = 0; round < rounds; round++) {
    // The order changes with each round, so that no contestant always follows the same one.
    const order = names.map((_, i) => names[(i + round) % names.length]);
    for (const name of order) {
      const result = await scenario.measure({ contestant: admitted[name], seconds, warmup });
      figures[name].push(result.figures);
      doubts.push(...result.doubts.map((doubt) => ({ ...doubt, name, round: round + 1 })));
    }
  }
  return { figures, doubts };
}

function machine(node) {
  const git = (...args) => spawnSync('git', args, { cwd: __dirname, encoding: 'utf8' }).stdout?.trim();
  return {
    date: new Date().toISOString(),
    node: spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim(),
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? ' (changed)' : ''),
    cpu: `${os.cpus()[0].model} x ${os.cpus().length}`,
    kernel: `${os.type()} ${os.release()}`,
    load: os.loadavg()[0],
  };
}

async function main() {
  const values = options();
  if (values.list) {
    for (const { name, title } of scenarios) console.log(`${name.padEnd(20)}${title}`);
    return;
  }
  const chosen = values.only.map((name) => scenarios.find((scenario) => scenario.name === name));
  build();
  const admitted = admit(values.contestants, values.node);
  const about = machine(values.node);
  const major = Number(about.node.match(/\d+/)[0]);
  console.log(`Node ${about.node}, ${about.cpu}, ${about.kernel}, load ${about.load.toFixed(2)}, commit ${about.commit}`);
  console.log(`medians of ${values.rounds} rounds of ${values.seconds} s, ${about.date}`);
  const results = [];
  for (const scenario of chosen) {
    console.log(`\n${scenario.name}: ${scenario.title}`);
    if (scenario.needs && !installed(scenario.needs)) {
      console.log(`  skipped: ${scenario.needs} is not installed (npm install --prefix bench)`);
      continue;
    }
    const { figures, doubts } = await play(scenario, admitted, values);
    const summary = summarize(scenario, figures, major);
    print(scenario, summary, admitted, console.log);
    printDoubts(doubts, admitted, console.log);
    results.push({ name: scenario.name, title: scenario.title, rounds: figures, ...summary, doubts });
  }
  const verdicts = results.flatMap(({ name, verdicts: list }) => list.map((v) => ({ name, ...v })));
  const missed = verdicts.filter((v) => !v.met);
  if (verdicts.length > 0) {
    console.log(`\n${verdicts.length - missed.length} of ${verdicts.length} targets met${missed.length ? `; missed: ${missed.map((v) => `${v.name} ${v.what}`).join(', ')}` : ''}`);
  }
  if (values.json) {
    const versions = Object.fromEntries(Object.entries(admitted).map(([name, c]) => [name, c.version]));
    fs.writeFileSync(values.json, `${JSON.stringify({ about, versions, options: values, results }, null, 1)}\n`);
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
