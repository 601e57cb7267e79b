'use strict';

// Makes the figures that are compared, and warnings about them, from the report of a load generator.

const { start } = require('./server.js');
const { load } = require('./loadgen.js');

exports.figures = function figures(report) {
  const { server, latencyUs: latency } = report;
  return {
    rps: report.rps,
    cpu: server && server.cpuUs / report.requests,
    p50: latency.p50,
    p99: latency.p99,
    p999: latency.p999,
    rss: server && server.rssKb / 1024,
    generator: report.ownCpuShare,
    threads: server && server.threads,
  };
};

// Returns what makes a round doubtful, and how much.
exports.doubts = function doubts(...reports) {
  const found = [];
  const add = (what, share) => found.push({ what, percent: Math.round(share * 100) });
  for (const report of reports) {
    if (report.saturated) add('the generator was saturated', report.ownCpuShare);
    if (report.stealShare > 0.05) add('the hypervisor took', report.stealShare);
    if (report.errors) found.push({ what: `${report.errors} errors ${JSON.stringify(report.errorKinds)}` });
    if (report.skipped) found.push({ what: `${report.skipped} connections were not opened, too many were waiting` });
  }
  return found;
};

// Warns of other processes than server and generator. It is only used if a report covers all processes of the round.
exports.othersDoubt = function othersDoubt(report) {
  return report.othersShare > 0.1 ? [{ what: 'other processes used', percent: Math.round(report.othersShare * 100) }] : [];
};

// The usual round: one server, and one closed loop of requests.
exports.closedLoop = async function closedLoop(context, { mode, file, argv, options }) {
  const server = await start(context.contestant, file, argv, { env: context.env });
  try {
    const report = await load(mode, {
      port: server.port,
      pid: server.pid,
      seconds: context.seconds,
      warmup: context.warmup,
      ...options,
    }).result;
    return { report, doubts: [...exports.doubts(report), ...exports.othersDoubt(report)] };
  } finally {
    await server.stop();
  }
};
