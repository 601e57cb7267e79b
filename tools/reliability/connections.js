'use strict';

// Opens ten thousand connections at once, on ferrohttp and on node:http.

const { spawnSync } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { Wire } = require('./client/wire.js');
const options = require('./lib/options.js');
const { Findings, table } = require('./lib/report.js');
const { IMPLEMENTATIONS, Subject } = require('./lib/subject.js');

const USAGE = `npm run connections -- [options]
  opens many connections at once, on ferrohttp and on node:http
  --connections N      10,000 by default; this process and the server need a descriptor each
  --alone              without node:http to compare with`;

/** How many connections are opened, used or closed at a time. */
const AT_ONCE = 200;

/**
 * How many bytes may be left when all connections are closed, for each or for all, because allocators keep some memory.
 */
const LEFT = 1024;
const LEFT_IN_ALL = 4 << 20;
const HEAP_LEFT = 2 << 20;

async function inGroups(list, work) {
  for (let at = 0; at < list.length; at += AT_ONCE) await Promise.all(list.slice(at, at + AT_ONCE).map(work));
}

async function until(what, holds) {
  for (let i = 0; i < 300; i++) {
    if (await holds()) return true;
    await sleep(100);
  }
  console.log(`waited 30 s for ${what}`);
  return false;
}

async function measure(implementation, { connections, start }, findings) {
  const expect = (holds, text) => findings.expect(holds, `${implementation}: ${text}`);
  const subject = new Subject('main.js', { implementation: IMPLEMENTATIONS[implementation], lasting: true }, start);
  try {
    const { plain } = await subject.order('listen');
    const many = Array.from({ length: connections });
    const open = async (count) => (await subject.sample()).open === count;
    const wires = [];
    const ask = async (wire) => {
      let body = '';
      wire.write('GET /bytes?seed=1&length=100&how=end&when=now HTTP/1.1\r\nHost: a\r\n\r\n');
      await wire.response((chunk) => { body += chunk.toString('latin1'); });
      expect(body.length === 100, `an answer of ${body.length} bytes`);
    };
    const round = async (count) => {
      await inGroups(many.slice(0, count), async () => { wires.push(await Wire.connect(plain)); });
      expect(await until('all to be accepted', () => open(count)), 'not all were accepted');
      const idle = await subject.sample({ gc: true });
      await inGroups(wires, ask);
      const asked = await subject.sample({ gc: true });
      await inGroups(wires, ask);
      for (const wire of wires.splice(0)) wire.leave();
      expect(await until('all to be closed', () => open(0)), 'not all were closed');
      await sleep(1000);
      return { idle, asked, closed: await subject.sample({ gc: true }) };
    };

    // The first connections make allocations that stay. So the second time is measured.
    await round(Math.min(1000, connections));
    const before = await subject.sample({ gc: true });
    const begun = Date.now();
    const { idle, asked, closed } = await round(connections);
    const seconds = (Date.now() - begun) / 1000;
    const again = (await round(connections)).closed;
    const last = (await round(connections)).closed;

    expect(closed.descriptors === before.descriptors, `${closed.descriptors} descriptors, ${before.descriptors} before`);
    expect(closed.threads <= before.threads, `${closed.threads} threads, ${before.threads} before`);
    expect(closed.sockets === closed.closed, `${closed.sockets} connections were told, and ${closed.closed} ends`);
    // The memory that Node's own server keeps is only shown.
    const grown = implementation === 'ferrohttp' ? last.rss - again.rss : 0;
    expect(grown <= Math.max(LEFT_IN_ALL, LEFT * connections), `the third time left ${grown} bytes of RSS more than the second`);
    const heap = last.memory.heapUsed - again.memory.heapUsed;
    expect(heap <= HEAP_LEFT, `the third time left ${heap} bytes of heap more than the second`);
    expect(await subject.stop(), 'the process did not end by itself');

    const each = (sample) => ((sample.rss - before.rss) / connections / 1024).toFixed(2);
    return [implementation, each(idle), each(asked), each(closed), each(again), each(last), seconds.toFixed(1)];
  } catch (error) {
    subject.kill();
    throw error;
  }
}

/** Starts the command again, from a shell that may open more files. */
function raiseLimit(connections) {
  const needed = connections + 200;
  const limit = Number(spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout);
  if (!(limit < needed)) return false;
  if (process.env.FERROHTTP_LIMIT_RAISED) throw new Error(`${limit} descriptors are allowed, ${needed} are needed: ulimit -n ${needed}`);
  const { status } = spawnSync('sh', ['-c', `ulimit -n ${needed}; exec "$0" "$@"`, process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, FERROHTTP_LIMIT_RAISED: '1' },
  });
  process.exitCode = status ?? 1;
  return true;
}

async function main() {
  const parsed = options(USAGE, { connections: 10_000, alone: false });
  if (raiseLimit(parsed.connections)) return;
  const findings = new Findings();
  const rows = [['KB of RSS for each', 'idle', 'after a request', 'left when closed', 'second time', 'third time', 'seconds']];
  const names = parsed.alone ? [parsed.implementation] : ['node:http', 'ferrohttp'];
  for (const name of names) rows.push(await measure(name, parsed, findings));
  console.log(`\n${parsed.connections} connections\n${table(rows)}`);
  findings.conclude();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
