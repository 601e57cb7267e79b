'use strict';

// From a generator's report to the figures that are compared, and the warnings that go with them.

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

// What makes a round doubtful: what, and how much of it.
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

// Other processes than server and generator; only where a report covers all of the round's processes.
exports.othersDoubt = function othersDoubt(report) {
  return report.othersShare > 0.1 ? [{ what: 'other processes used', percent: Math.round(report.othersShare * 100) }] : [];
};

// The usual round: one server, one closed loop.
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
