'use strict';

// The memory of an idle connection. The process allocates some things once, with the first connections. So the figure
// is the growth that the next connections cause, measured after a garbage collection.

const { setTimeout: sleep } = require('node:timers/promises');
const { load } = require('../lib/loadgen.js');
const { start } = require('../lib/server.js');
const requests = require('./requests.js');

const FIRST = 1000;
const MEASURED = 5000;
// Time for the server to accept the last connections, and for its allocators to give memory back.
const SETTLE = 700;

async function perConnection({ contestant }, request) {
  const server = await start(contestant, 'idle.js', [], { flags: ['--expose-gc'] });
  const doubts = [];
  try {
    const open = async (connections) => {
      const idle = load('idle', { port: server.port, pid: server.pid, connections, request, seconds: 60 });
      await idle.begun;
      await sleep(SETTLE);
      await server.ask('gc');
      await sleep(SETTLE);
      return { idle, rss: server.memory().rss };
    };
    const first = await open(FIRST);
    const second = await open(MEASURED);
    for (const { idle } of [first, second]) {
      idle.end();
      const report = await idle.result;
      if (report.errors || report.closed) doubts.push({ what: `${report.closed} of the connections were closed, ${report.errors} errors` });
    }
    return { bytes: (second.rss - first.rss) / MEASURED, doubts };
  } finally {
    await server.stop();
  }
}

module.exports = [{
  name: 'idle',
  title: `${MEASURED} idle connections`,
  columns: ['silentKb', 'usedKb'],
  // The garbage collectors of Bun and Deno would have to be called in other ways.
  only: ['node', 'node-again', 'ferrohttp'],
  targets: [
    { what: 'kB each, nothing sent', figure: 'silentKb', most: 3 },
    { what: 'after one request each', figure: 'usedKb', ratio: true, most: 0.5 },
  ],
  async measure(context) {
    const silent = await perConnection(context);
    const used = await perConnection(context, requests.hello);
    return {
      figures: { silentKb: silent.bytes / 1000, usedKb: used.bytes / 1000 },
      doubts: [...silent.doubts, ...used.doubts],
    };
  },
}];
