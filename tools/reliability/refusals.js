'use strict';

// A million connections begin a TLS handshake with a plain server, and one of them sends a bad chunk.
// That one must be kept, the counts must be exact, memory must not grow, and JavaScript must run at most ten times a
// second for the subscriber of the channel. Connections over TCP cost clients and the kernel so much that there are not
// many a second. So a burst over a Unix domain socket comes first, which has to reach a rate.

const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { build, escape, load } = require('../../bench/lib/loadgen.js');
const options = require('./lib/options.js');
const { Findings, megabytes, table } = require('./lib/report.js');

const USAGE = `npm run refusals -- [options]
  has a server refuse many connections, and checks what it keeps, counts and tells of them
  --refusals N         1,000,000 by default
  --connections N      at a time, 64 by default
  --burst SECONDS      of the burst over a Unix domain socket, 3 by default, 0 for none
  --rate N             refusals a second that the burst has to reach, 30,000 by default`;

const APP = path.join(__dirname, 'app/flooded.js');
const ROOT = path.join(__dirname, '../..');

const HELLO = Buffer.from('1603010200010001fc0303', 'hex');
const request = Array.from(HELLO, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
const BAD_CHUNK = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';

/** The largest number of messages of the channel, and of turns of the event loop, in a second. */
const MOST = 10;

/** More turns for each question, and for the garbage collector. */
const OTHER_TURNS = 10;

/** The noise of an allocator. A record for each refusal would take several hundred times as much. */
const GROWTH = 8 << 20;

class Server {
  /** Listens on a free port, or on a path. */
  constructor(node, ...path) {
    this.child = fork(APP, path.length > 0 ? ['{}', 'told', ...path] : [], { execPath: node, execArgv: ['--expose-gc'], env: { ...process.env, FERROHTTP_IMPL: ROOT } });
    this.port = once(this.child, 'message').then(([{ port }]) => port);
  }

  async report() {
    this.child.send('report');
    const [report] = await once(this.child, 'message');
    return { ...report, when: performance.now() };
  }

  /** Resolves when nothing is on its way any more. */
  async settled() {
    for (let last = -1; ;) {
      const report = await this.report();
      const { total, silent } = report.stats;
      if (total + silent === last && report.told === total) return report;
      last = total + silent;
      await sleep(300);
    }
  }

  async stop() {
    this.child.disconnect();
    await once(this.child, 'exit');
  }
}

async function badChunk(port) {
  const client = net.connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.end(BAD_CHUNK);
  await once(client.resume(), 'close');
}

/** The most refusals a second that the machine can make, for some seconds; by the second. */
async function burst(findings, { node, connections, seconds, rate }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-refusals-'));
  const socket = path.join(folder, 'socket');
  const server = new Server(node, socket);
  await server.port;
  const work = { path: socket, request, 'reply-prefix': escape('HTTP/1.1 400 Bad Request\r\n'), connections };
  let opened = 0;
  const rows = [['burst: refusals', 'a second', 'turns a second', 'messages a second']];
  let fastest = 0;
  let last = await server.report();
  for (let second = 0; second < seconds; second++) {
    const { opened: more, errors, errorKinds } = await load('burst', { ...work, seconds: 1 }).result;
    const now = await server.report();
    opened += more;
    findings.expect(errors === 0, `clients saw something else: ${JSON.stringify(errorKinds)}`);
    const passed = (now.when - last.when) / 1000;
    const [turns, messages] = [now.loops - last.loops, now.messages - last.messages];
    const refused = now.stats.total - last.stats.total;
    fastest = Math.max(fastest, refused / passed);
    rows.push([now.stats.total, Math.round(refused / passed), (turns / passed).toFixed(1), (messages / passed).toFixed(1)]);
    findings.expect(messages <= MOST * passed + 1, `${messages} messages in ${passed.toFixed(1)} s of the burst`);
    findings.expect(turns <= MOST * passed + OTHER_TURNS, `${turns} turns in ${passed.toFixed(1)} s of the burst`);
    last = now;
  }
  const { stats, told } = await server.settled();
  await server.stop();
  fs.rmSync(folder, { recursive: true });
  console.log(`${table(rows)}\n`);
  findings.expect(stats.total === opened && told === opened, `${opened} opened, ${stats.total} refused, ${told} told of`);
  findings.expect(fastest >= rate, `the burst reached ${Math.round(fastest)} a second, not ${rate}`);
}

async function main() {
  const { refusals, connections, burst: seconds, rate, node } =
    options(USAGE, { refusals: 1_000_000, connections: 64, burst: 3, rate: 30_000 });
  build();
  const findings = new Findings();
  if (seconds > 0) await burst(findings, { node, connections, seconds, rate });
  const server = new Server(node);
  const port = await server.port;
  const work = { port, pid: server.child.pid, request, 'reply-prefix': escape('HTTP/1.1 400 Bad Request\r\n'), connections };
  let opened = 0;
  const flood = async (seconds) => {
    const report = await load('malformed', { ...work, seconds, warmup: 0 }).result;
    opened += report.opened;
    findings.expect(report.errors === 0, `clients saw something else: ${JSON.stringify(report.errorKinds)}`);
    return report;
  };

  await flood(3);
  const before = await server.settled();
  const rows = [['refusals', 'a second', 'turns a second', 'messages a second', 'RSS']];
  let rareSent = false;
  let last = before;
  while (last.stats.total < refusals) {
    const running = flood(5);
    if (!rareSent && last.stats.total >= refusals / 4) {
      rareSent = true;
      await badChunk(port);
    }
    const { rps } = await running;
    const now = await server.report();
    const seconds = (now.when - last.when) / 1000;
    rows.push([now.stats.total, Math.round(rps), ((now.loops - last.loops) / seconds).toFixed(1),
      ((now.messages - last.messages) / seconds).toFixed(1), megabytes(now.rss)]);
    const [turns, messages] = [now.loops - last.loops, now.messages - last.messages];
    findings.expect(messages <= MOST * seconds + 1, `${messages} messages in ${seconds.toFixed(1)} s`);
    findings.expect(turns <= MOST * seconds + OTHER_TURNS, `${turns} turns in ${seconds.toFixed(1)} s`);
    last = now;
  }
  const after = await server.settled();
  console.log(table(rows));

  const { stats } = after;
  const kinds = stats.kinds.reduce((sum, { count }) => sum + count, 0);
  const rare = after.refusals.filter(({ hint }) => hint.id === 'chunk-size-not-hex');
  const expected = opened + (rareSent ? 1 : 0);
  console.log(`\n${opened} opened, ${stats.total} refused, ${stats.silent} ended silently, ${stats.skipped} only counted, ` +
    `${after.refusals.length} kept\nby kind: ${stats.kinds.map(({ code, hint, count }) => `${count} ${code} ${hint}`).join(', ')}`);
  findings.expect(kinds + stats.others === stats.total, `${kinds} by kind, ${stats.total} in all`);
  findings.expect(stats.total + stats.silent === expected, `${stats.total + stats.silent} counted of ${expected}`);
  findings.expect(after.told === stats.total, `the channel told of ${after.told} of ${stats.total}`);
  findings.expect(rareSent && rare.length === 1, `the bad chunk is seen ${rare.length} times`);
  findings.expect(after.rss - before.rss <= GROWTH, `RSS grew from ${megabytes(before.rss)} to ${megabytes(after.rss)}`);
  await server.stop();
  findings.conclude();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
