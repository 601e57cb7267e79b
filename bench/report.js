'use strict';

// Makes the tables of README.md and docs/performance.md, and docs/curves/ratios.svg, from bench/results.

const fs = require('node:fs');
const path = require('node:path');
const { bars } = require('./lib/bars.js');
const { read } = require('./lib/results.js');
const { catalogue } = require('./lib/report.js');
const scenarios = require('./scenarios');
const commandLine = require('../scripts/command-line.js');

const USAGE = `npm run bench:report -- [--check]
  makes the tables of README.md and docs/performance.md, and docs/curves/ratios.svg, from bench/results
  --check  writes nothing, and fails if one of them is stale`;

const ROOT = path.join(__dirname, '..');
const text = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');

/** The Nodes that the pages show, the most used first. */
const NODES = ['node24', 'node26', 'node20'];
/** Rows of the summary in README.md. */
const SUMMARY = ['hello-64', 'pipelined', 'browser', 'post', 'express', 'koa', 'fastify', 'malformed', 'malformed-listener', 'flood',
  'upload', 'idle'];
/** Bars of the chart, and what they are called there. */
const CHART = {
  'hello-64': 'hello',
  pipelined: 'hello, pipelined 16 deep',
  browser: "a browser's GET",
  post: 'POST of 1 KB JSON',
  express: 'Express 5 hello',
  koa: 'Koa hello',
  fastify: 'Fastify hello',
  malformed: 'refusals, no listener',
  'malformed-listener': 'refusals, with a listener',
  upload: '64 MB upload',
};
const PEERS = { node: 'node:http', ferrohttp: 'ferrohttp', fastify: 'Fastify on node:http', bun: 'Bun', deno: 'Deno' };

/** The main figures of scenarios, and how they are shown. */
const MAIN = {
  rps: (value, name) => `${catalogue.rps.show(value)} ${name.startsWith('malformed') ? 'refusals/s' : 'req/s'}`,
  megabytes: (value) => `${catalogue.megabytes.show(value)} MB/s`,
  usedKb: (value) => `${value.toFixed(1)} kB each`,
};
const LOWER_BOUND = 0.9; // of a processor, from which on the generator limits what is measured

const scenarioOf = (name) => scenarios.find((scenario) => scenario.name === name);
const mainOf = (name) => Object.keys(MAIN).find((figure) => scenarioOf(name).columns.includes(figure));
const rowOf = (result, name) => result?.rows.find((row) => row.name === name);
const line = (cells) => `| ${cells.join(' | ')} |`;

function ratioOf(result, figure) {
  const [own, reference] = [rowOf(result, 'ferrohttp'), rowOf(result, 'node')];
  if (own === undefined || reference === undefined) return undefined;
  return own.ratios?.[figure] ?? own.medians[figure] / reference.medians[figure];
}

function shownRatio(result, ...figures) {
  const figure = figures.find((one) => scenarioOf(result.name).columns.includes(one));
  const ratio = figure && ratioOf(result, figure);
  return Number.isFinite(ratio) ? `x${ratio.toFixed(ratio < 0.995 ? 2 : 1)}` : '';
}

/** The main figure of a row, marked where the load generator limited it. */
function shownMain(result, name) {
  const row = rowOf(result, name);
  const main = mainOf(result.name);
  if (row === undefined || !Number.isFinite(row.medians[main])) return '';
  return `${MAIN[main](row.medians[main], result.name)}${row.medians.generator > LOWER_BOUND ? ' \\*' : ''}`;
}

function caption({ about, options, others, results }, withRatios = true) {
  const paired = results.some(({ rows }) => rows.some(({ ratios }) => ratios !== undefined));
  const ratios = !withRatios ? '' : paired ? '; a ratio is the median of the ratios within one round' : '; a ratio is that of the medians';
  const [, model, processors] = /^(.*) x (\d+)$/.exec(about.cpu);
  const noise = others === undefined ? '' : ` Other processes took up to ${others.percent}% of a processor in ${others.rounds} rounds.`;
  return `Node ${about.node.slice(1)}, ${model}, ${processors} processors, ${about.kernel}, commit ${about.commit}, ${about.date}.\n` +
    `Medians of ${options.rounds} rounds of ${options.seconds} s${ratios}.${noise}`;
}

function note(results) {
  const bounded = results.some(({ rows }) => rows.some(({ name, medians }) => PEERS[name] && medians.generator > LOWER_BOUND));
  return bounded ? '\n\\* The load generator was saturated: the server can do at least this much.\n' : '';
}

function comparison(data, names, columns) {
  const shown = names.map((name) => data.results.find((result) => result.name === name)).filter((result) => result && mainOf(result.name));
  const rows = shown.map((result) => [
    scenarioOf(result.name).title, shownMain(result, 'node'), shownMain(result, 'ferrohttp'),
    ...columns.map(([, ...figures]) => shownRatio(result, ...figures)),
  ]);
  const head = ['Work', 'node:http', 'ferrohttp', ...columns.map(([label]) => label)];
  return [line(head), `|---|${'---:|'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n') + `\n${note(shown)}`;
}

const COLUMNS = [['throughput', 'rps', 'megabytes'], ['server CPU', 'cpu', 'cpuPerMegabyte'], ['p99 latency', 'p99'], ['memory', 'usedKb', 'peak', 'rss']];

function summary() {
  const data = read('node24');
  return `${caption(data)}\n\n${comparison(data, SUMMARY, COLUMNS.slice(0, 3))}`;
}

function ofNode(name) {
  const data = read(name);
  const find = (scenario) => data.results.find((result) => result.name === scenario);
  const said = [];
  const [floor, hello] = [rowOf(find('hello-64'), 'floor'), find('hello-64')];
  if (floor !== undefined) {
    const cpu = (row) => row.medians.cpu.toFixed(1);
    said.push(`Server CPU for one hello, 64 connections: ${cpu(rowOf(hello, 'node'))} us with node:http, ` +
      `${cpu(rowOf(hello, 'ferrohttp'))} us with ferrohttp, ${cpu(floor)} us for the system calls alone.`);
  }
  const load = rowOf(find('package'), 'ferrohttp');
  if (load !== undefined) {
    said.push(`\`require('ferrohttp')\` takes ${load.medians.extraMs.toFixed(1)} ms more than \`require('http')\`, and until ` +
      `a server listens it is ${load.medians.extraListenMs.toFixed(1)} ms more; the binary has ${load.medians.binaryMb.toFixed(2)} MB.`);
  }
  const names = scenarios.map((scenario) => scenario.name);
  return `${caption(data)}\n\n${comparison(data, names, COLUMNS)}${said.length > 0 ? `\n${said.join('\n')}\n` : ''}`;
}

function peers() {
  const data = read('peers');
  const { bun, deno } = data.versions;
  const contestants = Object.keys(PEERS);
  const rows = data.results.map((result) => [scenarioOf(result.name).title, ...contestants.map((name) => shownMain(result, name))]);
  return [
    `${caption(data, false)} Bun ${bun}, Deno ${deno}.\n`,
    line(['Work', ...Object.values(PEERS)]), `|---|${'---:|'.repeat(contestants.length)}`, ...rows.map(line),
  ].join('\n') + `\n${note(data.results)}`;
}

function chart() {
  const all = NODES.map(read);
  return bars({
    title: 'Throughput of ferrohttp, node:http being 1',
    base: 'node:http',
    series: all.map(({ about }) => `Node ${about.node.slice(1).split('.', 1)[0]}`),
    groups: Object.entries(CHART).map(([name, label]) => ({
      label,
      values: all.map(({ results }) => ratioOf(results.find((result) => result.name === name), mainOf(name))),
    })),
  });
}

const PARTS = { summary, peers, ...Object.fromEntries(NODES.map((name) => [name, () => ofNode(name)])) };

/** Returns a page with new content between its markers. */
function page(name) {
  return text(name).replace(/(<!-- results: (\w+) -->\n)[^]*?(<!-- end -->)/g, (_, begin, part, end) => begin + PARTS[part]() + end);
}

/** The content that each file must have. */
function outputs() {
  return { 'README.md': page('README.md'), 'docs/performance.md': page('docs/performance.md'), 'docs/curves/ratios.svg': chart() };
}

/** The files that do not have that content. */
function stale() {
  return Object.entries(outputs())
    .filter(([name, content]) => !fs.existsSync(path.join(ROOT, name)) || text(name) !== content)
    .map(([name]) => name);
}

function render() {
  for (const [name, content] of Object.entries(outputs())) fs.writeFileSync(path.join(ROOT, name), content);
}

module.exports = { render, stale };

if (require.main === module) {
  if (commandLine(USAGE, { check: { type: 'boolean' } }).values.check) {
    const names = stale();
    if (names.length > 0) {
      console.error(`${names.join(' and ')}: not as bench/results has it. Run npm run bench:report.`);
      process.exitCode = 1;
    }
  } else {
    render();
  }
}
