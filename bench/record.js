'use strict';

// Measures, keeps the medians in bench/results, and puts them into README.md and
// docs/performance.md.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { summaryOf, write } = require('./lib/results.js');
const { render } = require('./report.js');
const commandLine = require('../scripts/command-line.js');

const USAGE = `npm run bench:record -- [options] [-- options of npm run bench]
  measures, keeps the medians in bench/results, and puts them into README.md and docs/performance.md
  --node BIN   a Node to measure; may be given several times
  --peers BIN  the Node beside which Bun, Deno and Fastify are measured
  --from FILE  takes what npm run bench -- --json FILE wrote, and measures nothing; may be given several times
Each Node's results replace those of its major version.`;

// The scenarios that all peers can serve.
const PEERS = ['--contestants', 'node,ferrohttp,floor,fastify,bun,deno', '--rounds', '2',
  '--only', 'hello-64,pipelined,browser,post,express,malformed,malformed-listener,flood'];

function measure(node, args) {
  const json = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-bench-')), 'results.json');
  const run = spawnSync(process.execPath, [path.join(__dirname, 'run.js'), '--node', node, '--json', json, ...args], { stdio: 'inherit' });
  if (run.status !== 0) throw new Error(`the measurement on ${node} failed`);
  const results = JSON.parse(fs.readFileSync(json, 'utf8'));
  fs.rmSync(path.dirname(json), { recursive: true });
  return results;
}

function keep(results, name = `node${results.about.node.match(/\d+/)[0]}`) {
  write(name, summaryOf(results));
}

function main() {
  const { values, positionals, wrong } = commandLine(USAGE, {
    node: { type: 'program', multiple: true, default: [] },
    peers: { type: 'program' },
    from: { type: 'path', multiple: true, default: [] },
  }, ['[OPTION ...]']);
  if (values.node.length + values.from.length === 0 && values.peers === undefined) wrong('--node, --peers or --from is missing');
  for (const node of values.node) keep(measure(node, positionals));
  if (values.peers !== undefined) keep(measure(values.peers, [...PEERS, ...positionals]), 'peers');
  for (const name of values.from) keep(JSON.parse(fs.readFileSync(name, 'utf8')));
  render();
}

main();
