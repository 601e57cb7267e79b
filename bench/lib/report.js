'use strict';

// Tables and verdicts.

const { median, ratio } = require('./stats.js');

const whole = (v) => Math.round(v).toLocaleString('en-US');
const fixed = (digits) => (v) => v.toFixed(digits);
const percent = (v) => `${(v * 100).toFixed(v > 0.99 && v < 1 ? 2 : 0)}%`;

// The name of each figure and how it is shown. `shared` figures are not compared.
const catalogue = exports.catalogue = {
  rps: { label: 'req/s', show: whole },
  cpu: { label: 'CPU us/req', show: fixed(2) },
  p50: { label: 'p50 us', show: whole },
  p99: { label: 'p99 us', show: whole },
  rss: { label: 'RSS MB', show: fixed(0) },
  generator: { label: 'generator', show: percent, shared: true },
  strangerGenerator: { label: "strangers' generator", show: percent, shared: true },
  alone: { label: 'alone req/s', show: whole },
  control: { label: 'control req/s', show: whole },
  kept: { label: 'kept of alone', show: percent, shared: true },
  keptControl: { label: 'kept of control', show: percent, shared: true },
  refused: { label: 'refused', show: percent, shared: true },
  refusalP99: { label: 'refusal p99 us', show: whole },
  megabytes: { label: 'MB/s', show: whole },
  cpuPerMegabyte: { label: 'CPU us/MB', show: fixed(1) },
  peak: { label: 'peak RSS MB', show: fixed(0) },
  silentKb: { label: 'silent kB', show: fixed(2) },
  usedKb: { label: 'after a request kB', show: fixed(2) },
  httpMs: { label: "require('http') ms", show: fixed(2) },
  packageMs: { label: "require('ferrohttp') ms", show: fixed(2) },
  extraMs: { label: 'difference ms', show: fixed(2) },
  extraListenMs: { label: 'until it listens ms', show: fixed(2) },
  binaryMb: { label: 'binary MB', show: fixed(2) },
};

const REFERENCE = 'node';

// rounds: { contestant: [figures, ...] }
exports.summarize = function summarize(scenario, rounds, major) {
  const column = (name, figure) => rounds[name].map((figures) => figures[figure]);
  const rows = Object.keys(rounds).map((name) => ({
    name,
    medians: Object.fromEntries(scenario.columns.map((figure) => [figure, median(column(name, figure))])),
    ratios: name === REFERENCE || !rounds[REFERENCE] ? null
      : Object.fromEntries(scenario.columns.map((figure) => [figure, ratio(column(name, figure), column(REFERENCE, figure))])),
  }));
  const own = rows.find((row) => row.name === 'ferrohttp');
  const verdicts = own ? scenario.targets.map((target) => verdict(target, own, major)).filter(Boolean) : [];
  return { rows, verdicts };
};

function verdict(target, row, major) {
  const bound = (limit) => (typeof limit === 'object' ? limit[major] ?? limit[20] : limit);
  if (target.ratio && !row.ratios) return null;
  const value = target.ratio ? row.ratios[target.figure].median : row.medians[target.figure];
  const limit = bound(target.least ?? target.most);
  const met = target.least !== undefined ? value >= limit : value <= limit;
  return { what: target.what, ratio: Boolean(target.ratio), least: target.least !== undefined, limit, value, met };
}

exports.print = function print(scenario, { rows, verdicts }, contestants, write) {
  const shown = scenario.columns;
  const table = [['', ...shown.map((figure) => catalogue[figure].label)]];
  for (const row of rows) {
    table.push([contestants[row.name].label, ...shown.map((figure) => {
      const value = row.medians[figure];
      return Number.isFinite(value) ? catalogue[figure].show(value) : '-';
    })]);
    if (!row.ratios) continue;
    table.push(['  against node:http', ...shown.map((figure) => {
      const r = row.ratios[figure];
      return catalogue[figure].shared || !Number.isFinite(r.median) ? ''
        : `x${r.median.toFixed(2)} (${r.min.toFixed(2)}-${r.max.toFixed(2)})`;
    })]);
  }
  write(align(table));
  for (const v of verdicts) {
    const sign = v.ratio ? 'x' : '';
    write(`  ${v.met ? 'met   ' : 'MISSED'}  ${v.what}: ${sign}${Number(v.value.toFixed(3))}, target ${v.least ? 'at least' : 'at most'} ${sign}${v.limit}`);
  }
};

// Prints one line for each kind of doubt, with the range of its values and how often it came.
exports.printDoubts = function printDoubts(doubts, contestants, write) {
  for (const what of new Set(doubts.map((doubt) => doubt.what))) {
    const same = doubts.filter((doubt) => doubt.what === what);
    const percents = same.map((doubt) => doubt.percent).filter((v) => v !== undefined);
    const range = percents.length ? ` ${Math.min(...percents)}-${Math.max(...percents)}% of a processor` : '';
    const names = [...new Set(same.map((doubt) => doubt.name))];
    const where = names.map((name) => `${contestants[name].label} in ${new Set(same.filter((d) => d.name === name).map((d) => d.round)).size} rounds`);
    write(`  note: ${what}${range} (${where.join(', ')})`);
  }
};

function align(table) {
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
  return table.map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ').trimEnd())
    .join('\n');
}
