'use strict';

// `npx ferrohttp verify`: compares ferrohttp's parser with that of the Node that runs it.

const http = require('node:http');
const { parseArgs } = require('node:util');
const { escape } = require('../../lib/observe/escape.js');

const USAGE = `Usage: ferrohttp verify [OPTION ...]

Gives the same requests to this Node's parser and to ferrohttp's, and compares
the results. The requests are the shipped cases, and others that are made from
them at random. The exit code is 1 if there is a difference.

  --cases N  how many cases are made (default: 20000)
  --seed N   the seed of the random numbers (default: a new one each time)
  --help
`;
/** How many cases run before the progress is shown. */
const STEP = 200;

function numberOf(text, name) {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a number, not '${text}'`);
  return Number(text);
}

function options(args) {
  const { values } = parseArgs({
    args,
    options: { cases: { type: 'string', default: '20000' }, seed: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return undefined;
  return {
    count: numberOf(values.cases, 'cases'),
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : numberOf(values.seed, 'seed'),
  };
}

function* chunks(cases) {
  let chunk = [];
  for (const one of cases) {
    chunk.push(one);
    if (chunk.length === STEP) {
      yield chunk;
      chunk = [];
    }
  }
  yield chunk;
}

function bar(done, total) {
  const width = 40;
  const full = total === 0 ? width : Math.round((done / total) * width);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}] ${done} of ${total}`;
}

function report({ title, packets, options: { insecure, ...rest }, expected, actual }) {
  const settings = Object.entries({ ...rest, insecureHTTPParser: insecure || undefined })
    .filter(([, value]) => value !== undefined).map(([key, value]) => `${key} ${value}`);
  return [
    `They differ in ${title}${settings.length > 0 ? ` (${settings.join(', ')})` : ''}:`,
    ...packets.map((packet) => `  packet     ${escape(Buffer.from(packet, 'latin1'))}`),
    `  Node       ${expected}`,
    `  ferrohttp  ${actual}`,
    '',
  ].join('\n');
}

async function run(args) {
  let chosen;
  try {
    chosen = options(args);
  } catch (error) {
    process.stderr.write(`ferrohttp verify: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (chosen === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  const { firstDifference, shippedCases } = require('../../lib/host/check.js');
  const { generatedCases } = require('../../lib/host/generate.js');
  const { Server } = require('../../lib/server');
  const { node, llhttp } = process.versions;
  const shipped = [...shippedCases()];
  process.stdout.write(`Node ${node}, llhttp ${llhttp}: ${shipped.length} shipped cases, ` +
    `${chosen.count} made from seed ${chosen.seed}\n`);

  const total = shipped.length + chosen.count;
  let done = 0;
  let difference;
  for (const cases of [shipped, generatedCases(shipped, chosen.count, chosen.seed)]) {
    for (const chunk of chunks(cases)) {
      difference = firstDifference(chunk, http.Server, Server);
      if (difference !== undefined) break;
      done += chunk.length;
      if (process.stdout.isTTY) process.stdout.write(`\r${bar(done, total)}`);
      await new Promise(setImmediate); // lets signals and the garbage collector run
    }
    if (difference !== undefined) break;
  }
  if (process.stdout.isTTY) process.stdout.write('\n');
  process.stdout.write(difference === undefined ? `No difference in ${done} cases.\n` : report(difference));
  process.exitCode = difference === undefined ? 0 : 1;
}

module.exports = { run };
