'use strict';

// Draws curves as one SVG file, with a logarithmic x axis, a linear or logarithmic y axis, and one line for each
// series.

const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = { left: 80, right: 20, top: 60, bottom: 55 };
const COLORS = ['#0969da', '#cf222e', '#1a7f37', '#8250df'];
const MARKERS = ['circle', 'square', 'diamond', 'triangle'];

const escape = (text) => String(text).replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' }[c]));

const short = (v) => {
  for (const [size, suffix] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']]) {
    if (v >= size) return `${Number((v / size).toPrecision(3))}${suffix}`;
  }
  return `${Number(v.toPrecision(3))}`;
};

// Round numbers that divide 0..max into about five.
function linearTicks(max) {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, i) => i * step);
}

function logTicks(min, max) {
  const first = Math.floor(Math.log10(min));
  return Array.from({ length: Math.ceil(Math.log10(max)) - first + 1 }, (_, i) => 10 ** (first + i));
}

function marker(kind, x, y, color) {
  const at = (points) => `<polygon points="${points.map(([dx, dy]) => `${x + dx},${y + dy}`).join(' ')}" fill="${color}"/>`;
  switch (kind) {
    case 'square': return at([[-4, -4], [4, -4], [4, 4], [-4, 4]]);
    case 'diamond': return at([[0, -5], [5, 0], [0, 5], [-5, 0]]);
    case 'triangle': return at([[0, -5], [5, 4], [-5, 4]]);
    default: return `<circle cx="${x}" cy="${y}" r="4" fill="${color}"/>`;
  }
}

// series: [{ label, points: [[x, y], ...] }]; tickLabel turns an x into its text.
exports.plot = function plot({ title, xLabel, yLabel, series, logY = false, tickLabel = short }) {
  const points = series.flatMap((s) => s.points).filter(([, y]) => Number.isFinite(y));
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  // A zero has no logarithm, so it is drawn one step to the left of the smallest number.
  const positive = xs.filter((x) => x > 0);
  const zero = positive[0] / (positive[1] / positive[0] || 2);
  const logX = (x) => Math.log10(x === 0 ? zero : x);
  const [left, right] = [logX(xs[0]), logX(xs[xs.length - 1])];
  const ys = points.map(([, y]) => y);
  const yTicks = logY ? logTicks(Math.min(...ys), Math.max(...ys)) : linearTicks(Math.max(...ys));
  const scaleY = logY ? Math.log10 : (y) => y;
  const [bottom, top] = [scaleY(yTicks[0]), scaleY(yTicks[yTicks.length - 1])];
  const inner = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const px = (x) => Number((MARGIN.left + ((logX(x) - left) / (right - left || 1)) * inner.width).toFixed(1));
  const py = (y) => Number((MARGIN.top + (1 - (scaleY(y) - bottom) / (top - bottom || 1)) * inner.height).toFixed(1));

  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${WIDTH / 2}" y="20" text-anchor="middle" font-size="15">${escape(title)}</text>`,
  ];
  for (const y of yTicks) {
    out.push(`<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${py(y)}" y2="${py(y)}" stroke="#d0d7de"/>`,
      `<text x="${MARGIN.left - 8}" y="${py(y) + 4}" text-anchor="end">${short(y)}</text>`);
  }
  let last = -Infinity;
  for (const x of xs) {
    out.push(`<line x1="${px(x)}" x2="${px(x)}" y1="${HEIGHT - MARGIN.bottom}" y2="${HEIGHT - MARGIN.bottom + 5}" stroke="#57606a"/>`);
    if (px(x) - last < 34) continue;
    last = px(x);
    out.push(`<text x="${px(x)}" y="${HEIGHT - MARGIN.bottom + 19}" text-anchor="middle">${escape(tickLabel(x))}</text>`);
  }
  out.push(`<text x="${MARGIN.left + inner.width / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escape(xLabel)}</text>`,
    `<text transform="translate(18 ${MARGIN.top + inner.height / 2}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`);
  series.forEach(({ label, points: line }, i) => {
    const color = COLORS[i % COLORS.length];
    const drawn = line.filter(([, y]) => Number.isFinite(y));
    out.push(`<polyline fill="none" stroke="${color}" stroke-width="2" points="${drawn.map(([x, y]) => `${px(x)},${py(y)}`).join(' ')}"/>`,
      ...drawn.map(([x, y]) => marker(MARKERS[i % MARKERS.length], px(x), py(y), color)));
    const at = MARGIN.left + i * 160;
    out.push(marker(MARKERS[i % MARKERS.length], at, 42, color), `<text x="${at + 10}" y="46">${escape(label)}</text>`);
  });
  out.push('</svg>');
  return `${out.join('\n')}\n`;
};
