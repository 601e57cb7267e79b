'use strict';

// Puts the figures that run.js wrote with --json into docs/performance.md, each file into the part
// of its Node's major version, so that what the page says is what was measured.

const fs = require('node:fs');
const path = require('node:path');
const { catalogue } = require('./lib/report.js');
const scenarios = require('./scenarios');

const page = path.join(__dirname, '..', 'docs', 'performance.md');
const line = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [line(head), line(head.map((name) => (/^(|Work|What)$/.test(name) ? '---' : '---:'))), ...rows.map(line)].join('\n');
const value = (figure, v) => (Number.isFinite(v) ? catalogue[figure].show(v) : '');

function targets(results) {
  const rows = results.flatMap(({ title, verdicts }) => verdicts.map((v, i) => {
    const sign = v.ratio ? 'x' : '';
    const shown = (n) => `${sign}${Number(n.toFixed(n < 1 ? 2 : 1))}`;
    return [i === 0 ? title : '', v.what, shown(v.value), `${v.least ? 'at least' : 'at most'} ${sign}${v.limit}`, v.met ? 'met' : '**missed**'];
  }));
  return table(['Work', 'What', 'Reached', 'Target', ''], rows);
}

const labels = { node: 'node:http', ferrohttp: 'ferrohttp', floor: 'system calls only', fastify: 'fastify on node:http', bun: 'Bun', deno: 'Deno' };

function figures({ name, title, rows }) {
  const { columns } = scenarios.find((scenario) => scenario.name === name);
  const body = rows.map((row) => [labels[row.name] || row.name, ...columns.map((figure) => value(figure, row.medians[figure]))]);
  return `${title[0].toUpperCase()}${title.slice(1)}\n\n${table(['', ...columns.map((figure) => catalogue[figure].label)], body)}`;
}

function part({ about, options, versions, results }, withTargets) {
  const disturbed = results.flatMap(({ doubts }) => doubts).filter((doubt) => doubt.what === 'other processes used').map((doubt) => doubt.percent);
  const noise = disturbed.length === 0 ? 'nothing else ran'
    : `other processes used up to ${Math.max(...disturbed)}% of a processor in ${disturbed.length} of the rounds`;
  return [
    `Node ${about.node}, ${about.cpu}, ${about.kernel}, commit ${about.commit}, ${about.date.slice(0, 10)};`,
    `medians of ${options.rounds} rounds of ${options.seconds} s; ${noise}.`,
    Object.keys(versions).some((name) => ['fastify', 'bun', 'deno'].includes(name))
      ? `Versions: ${Object.entries(versions).filter(([, v]) => v).map(([name, v]) => `${labels[name]} ${v}`).join(', ')}.` : '',
    '',
    withTargets ? targets(results) : '',
    '',
    ...results.map((result) => `${figures(result)}\n`),
  ].join('\n').replace(/\n{3,}/g, '\n\n').trim();
}

function replace(text, mark, content) {
  const [begin, end] = [`<!-- figures ${mark} -->`, `<!-- end of figures ${mark} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md has no place for '${mark}'`);
  return `${text.slice(0, from + begin.length)}\n\n${content}\n\n${text.slice(to)}`;
}

if (process.argv.length < 3) throw new Error('node bench/document.js [peers=]FILE...: the files that npm run bench -- --json FILE wrote');
let text = fs.readFileSync(page, 'utf8');
for (const argument of process.argv.slice(2)) {
  const [, mark, file] = argument.match(/^(?:(\w+)=)?(.*)$/);
  const data = JSON.parse(fs.readFileSync(file, 'utf8'));
  text = replace(text, mark || `node${data.about.node.match(/\d+/)[0]}`, part(data, !mark));
}
fs.writeFileSync(page, text);
