'use strict';

// Makes system calls of the engine fail, while clients check the results.

const { setTimeout: sleep } = require('node:timers/promises');
const { Crowd } = require('./client/crowd.js');
const { Wire } = require('./client/wire.js');
const { NAMES, Shim, missing } = require('./faults/shim.js');
const { wrapped } = require('../../scripts/command-line.js');
const options = require('./lib/options.js');
const { Findings, printTally, table } = require('./lib/report.js');
const { Subject } = require('./lib/subject.js');

const USAGE = `npm run faults -- [options]
  makes system calls of the engine fail, while clients check the results
  --seconds N          of load, of each part, 60 by default
  --seed N             decides which calls fail, and what clients do
  --rate N             client actions a second, 60 by default
  --patience N         seconds after which an action hangs, 30 by default
  --only NAMES         of the faults, separated by commas:
                       ${wrapped(NAMES, 23)}`;

/** Faults that no program has to see, because the call is repeated or done in parts. In millionths of the calls. */
const SOFT = {
  'recv.EINTR': 30_000, 'recv.EAGAIN': 50_000, 'recv.short': 100_000,
  'send.EINTR': 30_000, 'send.EAGAIN': 50_000, 'send.short': 100_000, 'send.ENOBUFS': 10_000,
  'accept.EINTR': 30_000, 'accept.EAGAIN': 50_000, 'wait.EINTR': 20_000,
};

/** Faults that cost a connection. */
const HARD = {
  'recv.ECONNRESET': 4000, 'recv.ETIMEDOUT': 2000, 'recv.ENOMEM': 2000,
  'send.ECONNRESET': 4000, 'send.ENOMEM': 2000,
  'accept.ECONNABORTED': 20_000, 'accept.EMFILE': 10_000, 'accept.ENFILE': 10_000,
  'accept.ENOBUFS': 5000, 'accept.ENOMEM': 5000, 'accept.EPERM': 5000, 'accept.EPROTO': 5000,
  'shutdown.ENOTCONN': 10_000,
};

/**
 * More faults of that kind. libuv would end the process if these calls failed for itself, so they fail only for the
 * addon.
 */
const OURS = { 'register.ENOMEM': 5000, 'register.ENOSPC': 5000, 'duplicate.EMFILE': 50_000, 'option.ENOBUFS': 10_000 };

/** Faults that no kernel causes. With --only they show that the clients find errors. */
const IMPOSSIBLE = { 'send.lost': 50_000 };

/** A refusal is sent once, before the connection is closed: a fault may cut it off, on node:http as well. */
const MAY_BE_CUT = ['refusal', 'expiry'];

async function part(title, faults, soft, { seconds, seed, rate, patience, only, given, start, everybody }, findings) {
  const chances = Object.fromEntries(Object.entries(faults).filter(([name]) => only.includes(name)));
  if (Object.keys(chances).length === 0) return;
  console.log(`\n${title}`);
  const shim = new Shim({ chances, seed, everybody });
  const subject = new Subject('main.js', { ...given, ledger: true }, {
    ...start, env: { ...start.env, ...shim.env }, flags: ['--no-warnings'],
  });
  try {
    const ports = await subject.order('listen');
    // The first connections make allocations that stay.
    const first = await Wire.connect(ports.plain);
    first.write('GET /bytes?seed=1&length=10&how=end&when=now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await first.response();
    first.leave();
    await subject.quiet();
    const before = await subject.sample({ gc: true });

    const crowd = new Crowd({ ports, seed, rate, patience: patience * 1000 });
    shim.on();
    crowd.start();
    await sleep(seconds * 1000);
    await crowd.stop();
    shim.off();
    await subject.quiet();
    const after = await subject.sample({ gc: true });
    const ledger = new Map(await subject.order('ledger'));

    printTally(crowd);
    const counts = shim.counts();
    console.log(`faults: ${Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ')}`);

    for (const text of crowd.wrong) findings.expect(false, text);
    for (const [name, { ended }] of Object.entries(crowd.tally)) {
      findings.expect(!soft || ended === 0 || MAY_BE_CUT.includes(name), `${name}: ${ended} were cut off`);
    }
    for (const name of ['descriptors', 'threads']) {
      findings.expect(after[name] <= before[name], `${after[name]} ${name}, ${before[name]} before`);
    }
    findings.expect(after.open === 0, `${after.open} connections are open that no client has`);
    findings.expect(after.sockets === after.closed, `${after.sockets} connections were told, and ${after.closed} ends`);
    for (const stack of after.uncaught) findings.expect(false, `uncaught: ${stack}`);
    // Node reports the end of the response that is being written, and not of those that wait behind it.
    const open = [...ledger].filter(([, { close, queued }]) => !close && !queued).map(([id]) => id);
    findings.expect(open.length === 0, `responses whose end was not told: ${open.slice(0, 10)}`);
    const silent = crowd.cut.map((asked) => ({ ...asked, told: ledger.get(String(asked.id)) }))
      .filter(({ told }) => told?.finish && told.socket.error === null);
    findings.expect(silent.length === 0, `answers that were cut off, with 'finish' and no error: ${JSON.stringify(silent.slice(0, 10))}`);
    findings.expect(Object.keys(counts).length > 0, 'no fault occurred');
    findings.expect(await subject.stop(), 'the process did not end by itself');
  } catch (error) {
    findings.expect(false, error.stack);
    subject.kill();
  } finally {
    shim.remove();
  }
}

/** Makes each system call that listening needs fail once, one after the other, and then tries to listen again. */
async function starting({ seed, given, start }, findings) {
  console.log('\nstarting to listen, where one call fails');
  const shim = new Shim({ seed });
  const rows = [['call', 'fault', 'listen']];
  try {
    for (let number = 1, all = false; !all; number++) {
      shim.only(number);
      const before = shim.counts();
      const subject = new Subject('main.js', given, { ...start, env: { ...start.env, ...shim.env } });
      await subject.order('sample');
      shim.on();
      const outcome = await subject.order('listen').then(() => 'listens', (error) => error.code ?? error.message);
      shim.off();
      const [fault] = Object.entries(shim.counts()).find(([name, count]) => count !== before[name]) ?? ['none'];
      all = fault === 'none';
      rows.push([number, fault, outcome]);
      try {
        const { plain } = await subject.order('listen');
        const wire = await Wire.connect(plain);
        wire.write('GET /ignore HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
        await wire.response();
        wire.leave();
        findings.expect((await subject.sample()).uncaught.length === 0, `call ${number}, ${fault}: an uncaught error`);
        findings.expect(await subject.stop(), `call ${number}, ${fault}: the process did not end by itself`);
      } catch (error) {
        findings.expect(false, `call ${number}, ${fault}: ${outcome}; then ${error.message}`);
        subject.kill();
      }
    }
  } finally {
    shim.remove();
  }
  console.log(table(rows));
}

async function main() {
  const parsed = options(USAGE, {
    seconds: 60, seed: 1, rate: 60, patience: 30,
    only: { type: 'list', default: NAMES.filter((name) => !(name in IMPOSSIBLE)), choices: NAMES },
  });
  const reason = missing();
  if (reason !== undefined) {
    console.error(`npm run faults: ${reason}`);
    process.exitCode = 1;
    return;
  }
  const findings = new Findings();
  const everybody = parsed.implementation !== 'ferrohttp';
  const threads = parsed['io-threads'] === undefined && !everybody ? [0, 2] : [parsed['io-threads'] ?? 0];
  for (const count of threads) {
    const start = { ...parsed.start, env: { FERROHTTP_IO_THREADS: String(count) } };
    const given = { ...parsed, start, everybody };
    const suffix = everybody ? '' : `, ${count} I/O threads`;
    await part(`faults that nobody has to see${suffix}`, SOFT, true, given, findings);
    await part(`faults that cost connections${suffix}`, { ...SOFT, ...HARD, ...IMPOSSIBLE, ...(everybody ? {} : OURS) }, false, given, findings);
    if (!everybody) await starting(given, findings);
  }
  findings.conclude();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
