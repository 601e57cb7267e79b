'use strict';

// bench/results/*.json: the medians of a run, which README.md and docs/performance.md show. A file is a summary of what
// `npm run bench -- --json FILE` writes, without the rounds and without paths of the machine.

const fs = require('node:fs');
const path = require('node:path');

const FOLDER = path.join(__dirname, '..', 'results');
const OTHERS = 'other processes used';

const short = (value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : undefined);
const shortened = (object, of) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, short(of(value))]));

function row({ name, medians, ratios }) {
  return { name, medians: shortened(medians, (value) => value), ...(ratios && { ratios: shortened(ratios, ({ median }) => median) }) };
}

/** The summary of what a run has written. */
function summaryOf({ about, versions, options, results }) {
  const others = results.flatMap(({ doubts }) => doubts).filter(({ what }) => what === OTHERS).map(({ percent }) => percent);
  const { date, node, commit, cpu, kernel } = about;
  return {
    about: { date: date.slice(0, 10), node, commit, cpu, kernel: kernel.replace(/-.*/, '') },
    options: { rounds: options.rounds, seconds: options.seconds },
    ...(others.length > 0 && { others: { rounds: others.length, percent: Math.max(...others) } }),
    ...('bun' in versions || 'deno' in versions ? { versions: { bun: versions.bun, deno: versions.deno } } : {}),
    results: results.map(({ name, rows }) => ({ name, rows: rows.map(row) })),
  };
}

const file = (name) => path.join(FOLDER, `${name}.json`);

function write(name, summary) {
  fs.writeFileSync(file(name), `${JSON.stringify(summary, null, 1)}\n`);
}

/** The results of a name; undefined if there are none. */
function read(name) {
  return fs.existsSync(file(name)) ? JSON.parse(fs.readFileSync(file(name), 'utf8')) : undefined;
}

module.exports = { read, summaryOf, write };
