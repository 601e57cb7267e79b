'use strict';

// Starts hundreds of workers with servers and ends them at any time, also while requests are running.
// Then it checks what is left in the process.

const { setTimeout: sleep } = require('node:timers/promises');
const { Crowd } = require('./client/crowd.js');
const options = require('./lib/options.js');
const { Findings, megabytes, printTally, table } = require('./lib/report.js');
const { Subject } = require('./lib/subject.js');

const USAGE = `npm run storms -- [options]
  starts workers with servers and ends them at any time, and then checks what is left in the process
  --workers N          in all, 200 by default, after some that warm the process up
  --at-once N          6 by default
  --seed N             decides what clients do, and when which worker ends how`;

/** How many workers come before the first look. The memory of an isolate comes from arenas that the process keeps. */
const WARM_UP = 30;

/** By how much RSS may grow from the first half of the workers to the second. */
const GROWTH = 24 << 20;

const MIX = [[8, 'keepAlive'], [4, 'pipeline'], [3, 'refusal'], [3, 'abort'], [3, 'slowReader'], [3, 'upload'], [2, 'echo'],
  [2, 'impatience'], [2, 'tunnel']];

async function main() {
  const { workers, 'at-once': atOnce, seed, given, start } = options(USAGE, { workers: 200, 'at-once': 6, seed: 1 });
  const findings = new Findings();
  const subject = new Subject('storm.js', given, start);
  await subject.order('listen');
  const crowd = new Crowd({ ports: {}, seed, clients: 12, rate: 150, mix: MIX });

  const ended = {};
  async function one() {
    const { id, port } = await subject.order('start');
    crowd.ports[id] = port;
    await sleep(crowd.random.between(20, 400));
    const how = crowd.random.pick(['terminate', 'exit', 'close', 'throw']);
    if (how === 'close') {
      // Clients that have not sent a request yet need a worker that answers.
      delete crowd.ports[id];
    }
    const outcome = await subject.order('end', { id, how });
    delete crowd.ports[id];
    ended[how] = (ended[how] ?? 0) + 1;
    findings.expect(outcome === true, `a worker ended by '${how}': ${outcome}`);
  }
  async function storm(count) {
    const keeper = await subject.order('start');
    crowd.ports[keeper.id] = keeper.port;
    crowd.start();
    let left = count - 1;
    await Promise.all(Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await one();
    }));
    await crowd.stop();
    delete crowd.ports[keeper.id];
    await subject.order('end', { id: keeper.id, how: 'terminate' });
    await sleep(2000);
    return subject.sample({ gc: true });
  }

  const rows = [['workers', 'RSS', 'heap', 'descriptors', 'threads']];
  const row = (count, { rss, memory, descriptors, threads }) =>
    rows.push([count, megabytes(rss), megabytes(memory.heapUsed), descriptors, threads]);
  const before = await storm(WARM_UP);
  row(WARM_UP, before);
  const half = Math.ceil(workers / 2);
  const middle = await storm(half);
  row(half, middle);
  const after = await storm(workers - half);
  row(workers - half, after);

  for (const name of ['descriptors', 'threads']) {
    findings.expect(after[name] <= before[name], `${after[name]} ${name}, ${before[name]} at first`);
  }
  findings.expect(after.rss - middle.rss <= GROWTH, `the second half left ${megabytes(after.rss - middle.rss)} of RSS`);
  for (const stack of after.uncaught) findings.expect(false, `uncaught: ${stack}`);
  for (const text of crowd.wrong) findings.expect(false, text);
  findings.expect(await subject.stop(), 'the process did not end by itself');

  console.log(table(rows));
  console.log(`\nended by: ${JSON.stringify(ended)}\n`);
  printTally(crowd);
  findings.conclude();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
