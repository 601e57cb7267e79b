'use strict';

// An hour of mixed traffic, and then a look at what is left.
//
// The phases are a warm-up; a pause, whose figures the last pause has to reach again; the load, with a pause every few
// minutes, so that a slow growth shows in the figures; and a last pause. In a pause there are no clients, idle
// connections have timed out, and the garbage collector has run.

const { setTimeout: sleep } = require('node:timers/promises');
const { Crowd } = require('./client/crowd.js');
const options = require('./lib/options.js');
const { Findings, megabytes, printTally, table } = require('./lib/report.js');
const { Subject } = require('./lib/subject.js');

const USAGE = `npm run soak -- [options]
  serves mixed traffic, and then looks at what is left
  --minutes N          of load, 60 by default
  --rate N             client actions a second, 100 by default
  --clients N          at once, 40 by default
  --rests N            during the load, 6 by default
  --seed N             decides what clients do`;

/** How much more there may be at the last pause than at the first. RSS includes what allocators keep. */
const TOLERANCE = {
  heapUsed: 4 << 20,
  external: 2 << 20,
  rss: (first) => 24 * 2 ** 20 + first * 0.1,
};

const CLUSTER_MIX = [[8, 'keepAlive'], [2, 'pipeline'], [2, 'upload'], [1, 'slowSender']];

/** Repeats work at intervals while the load runs. */
class Routine {
  constructor(seconds, work) {
    this.seconds = seconds;
    this.work = work;
    this.times = 0;
  }

  start() {
    this.going = true;
    this.running = (async () => {
      for (;;) {
        for (let i = 0; i < this.seconds && this.going; i++) await sleep(1000);
        if (!this.going) return;
        await this.work();
        this.times++;
      }
    })();
    // `stop` reports a failure.
    this.running.catch(() => {});
  }

  async stop() {
    this.going = false;
    await this.running;
  }
}

async function main() {
  const { minutes, rate, clients, rests, seed, given, start } = options(USAGE, {
    minutes: 60, rate: 100, clients: 40, rests: 6, seed: 1,
  });
  const findings = new Findings();
  const single = new Subject('main.js', given, start);
  const cluster = new Subject('cluster.js', given, start);
  const ports = await single.order('listen');
  const shared = await cluster.order('listen');

  const crowd = new Crowd({ ports, seed, clients, rate });
  const clusterCrowd = new Crowd({ ports: { shared }, seed: seed + 1, clients: 6, rate: rate / 10, mix: CLUSTER_MIX });
  const workers = new Routine(10, async () => findings.expect(await single.order('worker'), 'a worker did not serve'));
  const restarts = new Routine(20, async () => {
    const count = await cluster.order('restart');
    findings.expect(count === 2, `${count} workers in the cluster after a restart`);
  });
  const parts = [crowd, clusterCrowd, workers, restarts];

  const peak = { rss: 0, descriptors: 0, threads: 0, open: 0 };
  async function load(seconds) {
    for (const part of parts) part.start();
    for (let left = seconds; left > 0; left -= 5) {
      await sleep(Math.min(left, 5) * 1000);
      const sample = await single.sample();
      for (const name of Object.keys(peak)) peak[name] = Math.max(peak[name], sample[name]);
    }
    for (const part of parts) await part.stop();
  }

  const begun = Date.now();
  const rows = [['minute', 'actions', 'RSS', 'heap', 'external', 'descriptors', 'threads', 'open', 'cluster RSS', 'cluster descriptors']];
  const rested = [];
  async function rest() {
    await single.quiet();
    const [here, there] = [await single.sample({ gc: true }), await cluster.sample()];
    rested.push({ here, there });
    rows.push([
      ((Date.now() - begun) / 60_000).toFixed(1), crowd.actions + clusterCrowd.actions, megabytes(here.rss),
      megabytes(here.memory.heapUsed), megabytes(here.memory.external), here.descriptors, here.threads, here.open,
      megabytes(there.rss), there.descriptors,
    ]);
    console.log(rows.at(-1).map((cell, i) => `${rows[0][i]} ${cell}`).join(', '));
  }

  const seconds = minutes * 60;
  await workers.work();
  await load(Math.min(180, seconds / 5));
  await rest();
  const pieces = Math.max(1, rests);
  for (let i = 0; i < pieces; i++) {
    await load(seconds / pieces);
    await rest();
  }

  const [first, last] = [rested[0], rested.at(-1)];
  for (const [what, before, after] of [['', first.here, last.here], ['cluster: ', first.there, last.there]]) {
    for (const name of ['descriptors', 'threads']) {
      findings.expect(after[name] <= before[name], `${what}${after[name]} ${name}, ${before[name]} at first`);
    }
    const grown = after.rss - before.rss;
    findings.expect(grown <= TOLERANCE.rss(before.rss), `${what}RSS grew by ${megabytes(grown)}`);
  }
  for (const name of ['heapUsed', 'external']) {
    const grown = last.here.memory[name] - first.here.memory[name];
    findings.expect(grown <= TOLERANCE[name], `${name} grew by ${megabytes(grown)}`);
  }
  const { open, sockets, closed, uncaught } = last.here;
  findings.expect(open === 0, `${open} connections are open that no client has`);
  findings.expect(sockets === closed, `${sockets} connections were told, and ${closed} ends`);
  for (const stack of uncaught) findings.expect(false, `uncaught: ${stack}`);
  findings.expect(crowd.wrong.length === 0, `${crowd.wrong.length} clients saw what is wrong`);
  const cut = Object.values(crowd.tally).reduce((sum, { ended }) => sum + ended, 0);
  findings.expect(cut === 0, `${cut} answers were cut off`);
  findings.expect(clusterCrowd.wrong.length === 0, `${clusterCrowd.wrong.length} clients of the cluster saw what is wrong`);
  const served = Object.values(clusterCrowd.tally).reduce((sum, { done }) => sum + done, 0);
  findings.expect(served > 0, 'the cluster served nobody');
  findings.expect(await single.stop(), 'the process did not end by itself');
  await cluster.stop();

  console.log(`\n${table(rows)}\n`);
  printTally(crowd);
  console.log('\nof the cluster, whose workers come and go:');
  printTally(clusterCrowd);
  console.log(`\npeak: RSS ${megabytes(peak.rss)}, ${peak.descriptors} descriptors, ${peak.threads} threads, ` +
    `${peak.open} connections; ${workers.times} workers, ${restarts.times} restarts in the cluster; ` +
    `${sockets} connections, ${last.here.requests} requests, ${last.here.upgrades} upgrades`);
  findings.conclude();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
