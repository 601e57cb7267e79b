'use strict';

// Shows how throughput changes with connections, header fields, body size and I/O threads.

const fs = require('node:fs');
const path = require('node:path');
const { contestants: contestantsFor } = require('./lib/contestants.js');
const { build } = require('./lib/loadgen.js');
const { closedLoop } = require('./lib/measure.js');
const { plot } = require('./lib/plot.js');
const { median } = require('./lib/stats.js');
const requests = require('./scenarios/requests.js');
const commandLine = require('../scripts/command-line.js');

const directory = path.join(__dirname, '..', 'docs', 'curves');

const KIB = 1024;
const bodies = [0, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, KIB ** 2, 4 * KIB ** 2, 16 * KIB ** 2, 64 * KIB ** 2];
const bytesLabel = (n) => (n >= KIB ** 2 ? `${n / KIB ** 2}M` : n >= KIB ? `${n / KIB}K` : `${n}`);
const hello = { request: requests.hello, body: requests.helloBody };
const rps = (report) => report.rps;
// Few large bodies are complete in a round, so their parts count, too.
const byBytes = (report, size) => (size < KIB ** 2 ? report.rps : (report.megabytesPerSecond * 1e6) / size);

const curves = {
  connections: {
    title: 'hello by keep-alive connections',
    xLabel: 'connections',
    yLabel: 'requests per second',
    values: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 2000, 5000, 10000],
    figure: rps,
    work: (connections) => ({ file: 'hello.js', options: { ...hello, connections } }),
  },
  fields: {
    title: 'requests by header fields (all of them read), 64 connections',
    xLabel: 'header fields',
    yLabel: 'requests per second',
    values: [1, 2, 5, 10, 20, 40, 70, 100],
    figure: rps,
    tickLabel: String,
    work: (n) => ({ file: 'fields.js', options: { request: requests.fields(n), body: `${n}\\n`, connections: 64 } }),
  },
  upload: {
    title: 'uploads by body size, 8 connections',
    xLabel: 'bytes of the body',
    yLabel: 'requests per second',
    values: bodies,
    figure: byBytes,
    logY: true,
    tickLabel: bytesLabel,
    work: (bytes) => ({ file: 'upload.js', options: { request: requests.uploadHead, upload: bytes, body: `${bytes}\\n`, connections: 8 } }),
  },
  download: {
    title: 'downloads by body size, 8 connections',
    xLabel: 'bytes of the body',
    yLabel: 'requests per second',
    values: bodies,
    figure: byBytes,
    logY: true,
    tickLabel: bytesLabel,
    work: (bytes) => ({ file: 'download.js', argv: ['write', bytes], options: { request: requests.hello, 'body-length': bytes, connections: 8 } }),
  },
  threads: {
    title: 'hello by I/O threads, 64 connections',
    xLabel: 'I/O threads',
    yLabel: 'requests per second',
    values: [0, 1, 2, 3, 4],
    figure: rps,
    work: (n) => ({ file: 'hello.js', options: { ...hello, connections: 64 }, env: { FERROHTTP_IO_THREADS: String(n) } }),
  },
};

const USAGE = `node bench/curves.js [options]
  draws docs/curves/*.svg: how throughput changes with connections, header fields, body size and I/O threads
  --only NAMES         of the curves, separated by commas: ${Object.keys(curves).join(', ')}
  --contestants NAMES  as of npm run bench, node,ferrohttp by default
  --rounds N           3 by default
  --seconds S          measured time of a round, 1 by default
  --node BIN           the Node that runs the servers
  --json FILE          writes the figures
  --from FILE          draws what --json has written, and measures nothing`;

function options() {
  return commandLine(USAGE, {
    only: { type: 'list', default: Object.keys(curves), choices: Object.keys(curves) },
    contestants: { type: 'list', default: ['node', 'ferrohttp'], choices: Object.keys(contestantsFor()) },
    rounds: { type: 'number', default: 3 },
    seconds: { type: 'number', default: 1 },
    node: { type: 'program', default: process.execPath },
    json: { type: 'string' },
    from: { type: 'path' },
  }).values;
}

async function measure(curve, names, all, { rounds, seconds }) {
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (const value of curve.values) {
    const samples = Object.fromEntries(names.map((name) => [name, []]));
    const { file, argv, env, options: loadOptions } = curve.work(value);
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        const context = { contestant: all[name], seconds, warmup: 0.5, env };
        const { report, doubts } = await closedLoop(context, { mode: 'http', file, argv, options: loadOptions });
        for (const { what, percent } of doubts) console.log(`  note: ${name} at ${value}: ${what} ${percent ?? ''}`);
        samples[name].push(curve.figure(report, value));
      }
    }
    for (const name of names) found[name].push([value, median(samples[name])]);
    console.log(`  ${String(value).padStart(9)}  ${names.map((name) => `${all[name].label} ${Number(median(samples[name]).toPrecision(4))}`).join('  ')}`);
  }
  return found;
}

async function main() {
  const chosen = options();
  const all = contestantsFor(chosen.node);
  const data = chosen.from ? JSON.parse(fs.readFileSync(chosen.from, 'utf8')) : {};
  if (!chosen.from) build();
  fs.mkdirSync(directory, { recursive: true });
  for (const name of chosen.only) {
    const curve = curves[name];
    if (!chosen.from) {
      console.log(curve.title);
      const names = name === 'threads' ? ['ferrohttp'] : chosen.contestants;
      data[name] = await measure(curve, names, all, chosen);
    }
    if (!data[name]) continue;
    const series = Object.entries(data[name]).map(([contestant, points]) => ({ label: all[contestant].label, points }));
    fs.writeFileSync(path.join(directory, `${name}.svg`), plot({ ...curve, series }));
  }
  if (chosen.json) fs.writeFileSync(chosen.json, `${JSON.stringify(data)}\n`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
