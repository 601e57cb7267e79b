'use strict';

// Draws a bar chart as one SVG file: a group of bars for each kind of work, with one bar for each series.

const WIDTH = 720;
const LEFT = 250;
const RIGHT = 60;
const TOP = 70;
const BAR = 12;
const GAP = 12;
const COLORS = ['#0969da', '#1a7f37', '#8250df'];

const escape = (text) => String(text).replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' }[c]));

/**
 * `groups: [{ label, values }]` has a value (or undefined) for each label of `series`; `base` is where bars of 1 end.
 */
exports.bars = function bars({ title, base, series, groups }) {
  const height = TOP + groups.reduce((sum, { values }) => sum + values.filter(Number.isFinite).length * BAR + GAP, 0) + 10;
  const most = Math.ceil(Math.max(...groups.flatMap(({ values }) => values.filter(Number.isFinite))));
  const x = (value) => Number((LEFT + (value / most) * (WIDTH - LEFT - RIGHT)).toFixed(1));
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="${WIDTH / 2}" y="20" text-anchor="middle" font-size="15">${escape(title)}</text>`,
    ...series.flatMap((label, i) => [
      `<rect x="${LEFT + i * 100}" y="32" width="12" height="12" fill="${COLORS[i]}"/>`,
      `<text x="${LEFT + i * 100 + 18}" y="42">${escape(label)}</text>`,
    ]),
  ];
  let y = TOP;
  for (const { label, values } of groups) {
    const shown = values.map((value, i) => ({ value, color: COLORS[i] })).filter(({ value }) => Number.isFinite(value));
    out.push(`<text x="${LEFT - 8}" y="${y + (shown.length * BAR) / 2 + 4}" text-anchor="end">${escape(label)}</text>`);
    for (const { value, color } of shown) {
      out.push(`<rect x="${LEFT}" y="${y}" width="${Number((x(value) - LEFT).toFixed(1))}" height="${BAR - 2}" fill="${color}"/>`,
        `<text x="${x(value) + 4}" y="${y + 9}" font-size="10">x${value.toFixed(1)}</text>`);
      y += BAR;
    }
    y += GAP;
  }
  out.push(`<line x1="${x(1)}" x2="${x(1)}" y1="${TOP - 8}" y2="${height - 10}" stroke="#57606a" stroke-dasharray="3 3"/>`,
    `<text x="${x(1)}" y="${TOP - 12}" text-anchor="middle" fill="#57606a">${escape(base)}</text>`, '</svg>');
  return `${out.join('\n')}\n`;
};
