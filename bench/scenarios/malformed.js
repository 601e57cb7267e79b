'use strict';

// Connections that have to be refused.

const { closedLoop, doubts: doubtsOf, figures } = require('../lib/measure.js');
const { load } = require('../lib/loadgen.js');
const { start } = require('../lib/server.js');
const requests = require('./requests.js');

const malformed = { request: requests.malformed, 'reply-prefix': requests.refusal };
const good = { request: requests.hello, body: requests.helloBody, connections: 16 };
const FLOOD_RATE = 3000;
const DRIP = { connections: 500, 'interval-ms': 100 };

function refusals(name, title, argv, throughput, cpu) {
  const work = { mode: 'malformed', file: 'refuse.js', argv, options: { ...malformed, connections: 16 } };
  return {
    name,
    title,
    work,
    columns: ['rps', 'cpu', 'p50', 'p99', 'rss', 'generator'],
    targets: [
      { what: 'refused per second', figure: 'rps', ratio: true, least: throughput },
      { what: 'server CPU per refusal', figure: 'cpu', ratio: true, most: cpu },
    ],
    async measure(context) {
      const { report, doubts } = await closedLoop(context, work);
      return { figures: figures(report), doubts };
    },
  };
}

// Measures good traffic alone, then beside bad connections to a second server, which shows what their generator costs
// the machine, and then beside bad connections to the same server.
async function beside(context, argv, strangers) {
  const { contestant, seconds, warmup } = context;
  const [server, second] = [
    await start(contestant, 'refuse.js', argv),
    await start(contestant, 'refuse.js', argv),
  ];
  try {
    const goodLoad = () => load('http', { ...good, port: server.port, pid: server.pid, seconds, warmup }).result;
    const both = async ({ port, pid }) => {
      // This load begins before the good traffic and ends after it.
      const other = strangers({ port, pid, warmup: 0.5, seconds: seconds + warmup + 0.5 });
      await other.begun;
      const report = await goodLoad();
      return { report, other: await other.result };
    };
    const alone = await goodLoad();
    const control = await both(second);
    const mixed = await both(server);
    return { alone, control, mixed };
  } finally {
    await Promise.all([server.stop(), second.stop()]);
  }
}

const besideFigures = ({ alone, control, mixed }) => ({
  alone: alone.rps,
  control: control.report.rps,
  rps: mixed.report.rps,
  kept: mixed.report.rps / alone.rps,
  keptControl: mixed.report.rps / control.report.rps,
  p50: mixed.report.latencyUs.p50,
  p99: mixed.report.latencyUs.p99,
  generator: mixed.report.ownCpuShare,
  strangerGenerator: mixed.other.ownCpuShare,
});

function flood(name, title, argv, targets) {
  return {
    name,
    title,
    columns: ['alone', 'control', 'rps', 'kept', 'keptControl', 'p50', 'p99', 'refused', 'refusalP99', 'generator', 'strangerGenerator'],
    targets,
    async measure(context) {
      const all = await beside(context, argv, (options) => load('malformed', { ...malformed, rate: FLOOD_RATE, ...options }));
      const { other } = all.mixed;
      return {
        figures: {
          ...besideFigures(all),
          refused: other.requests / (other.opened + other.skipped),
          refusalP99: other.latencyUs.p99,
        },
        doubts: doubtsOf(all.alone, all.control.report, all.control.other, all.mixed.report, other),
      };
    },
  };
}

module.exports = [
  refusals('malformed', 'malformed connections, no listener', [], 3, 0.35),
  refusals('malformed-listener', "malformed connections, the documentation's listener", ['listener'], 2, 0.5),
  flood('flood', `16 good connections beside ${FLOOD_RATE} malformed connections per second`, [], [
    { what: 'share of the flood refused', figure: 'refused', least: 1 },
    { what: 'good traffic kept, of what it had alone', figure: 'kept', least: 0.7 },
    { what: 'good traffic beside the flood', figure: 'rps', ratio: true, least: 2.5 },
    { what: 'its p99', figure: 'p99', ratio: true, most: 1 },
  ]),
  flood('flood-listener', "the same flood, with the documentation's listener", ['listener'], []),
  {
    name: 'drip',
    title: `${DRIP.connections} connections that drip a head, a byte every ${DRIP['interval-ms']} ms each, beside good traffic`,
    columns: ['alone', 'control', 'rps', 'kept', 'keptControl', 'p50', 'p99', 'generator', 'strangerGenerator'],
    targets: [{ what: 'good traffic kept, of what it had alone', figure: 'kept', least: 0.9 }],
    async measure(context) {
      const all = await beside(context, [], (options) => load('drip', { ...DRIP, ...options }));
      return {
        figures: besideFigures(all),
        doubts: doubtsOf(all.alone, all.control.report, all.control.other, all.mixed.report, all.mixed.other),
      };
    },
  },
];
