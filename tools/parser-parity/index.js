'use strict';

// Compares the parser with the parser binding of the Node that runs this, over the catalogue
// of single-byte changes and random cases. Exits with 1 if anything differs, printing the shrunk differences.

const { spawn, spawnSync } = require('node:child_process');
const path = require('node:path');
const commandLine = require('../../scripts/command-line.js');

const BREAKABLE = ['limit', 'keep-alive', 'lf', 'profile'];

const USAGE = `npm run parity:parser -- [options]
  compares the parser with that of the Node that runs this
  --cases N       random cases, 200,000 by default
  --seed S        what they are made from, 1 by default
  --no-catalogue  without the catalogue of single-byte changes
  --break RULE    has the native side break a rule on purpose: ${BREAKABLE.join(', ')}
  --no-build      does not have cargo build the native side first`;

if (!process.execArgv.includes('--no-deprecation')) {
  // The binding is in a deprecated module.
  const args = ['--no-deprecation', __filename, ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  child.on('exit', (code) => process.exit(code ?? 1));
} else {
  main();
}

function build() {
  const args = ['build', '--release', '-p', 'ferrohttp-h1-testing', '--example', 'parser-parity-peer'];
  const { error, status } = spawnSync('cargo', args, { cwd: path.join(__dirname, '../..'), stdio: 'inherit' });
  if (error || status !== 0) {
    console.error(error ? `cargo cannot be run: ${error.message}` : 'the native side does not build');
    process.exit(2);
  }
}

function main() {
  const { values } = commandLine(USAGE, {
    cases: { type: 'number', default: 200_000 },
    seed: { type: 'number', default: 1 },
    'no-catalogue': { type: 'boolean', default: false },
    break: { type: 'string', default: '', choices: BREAKABLE },
    'no-build': { type: 'boolean', default: false },
  });
  if (!values['no-build']) build();
  const { MAX_LENIENT, NODE, hangs, run } = require('./oracle');
  const { CATALOGUE, make } = require('./cases');
  const { Peer, findPeer } = require('./peer-process');
  const { Random } = require('./random');
  const { report, shrink } = require('./report');

  const catalogue = !values['no-catalogue'];
  const total = values.cases + (catalogue ? CATALOGUE : 0);
  const random = new Random(values.seed);
  const profile = values.break === 'profile' ?
    (NODE < 22 ? ['9.4.3', 24] : ['9.3.1', 20]) :
    [process.versions.llhttp, NODE];
  const binary = findPeer();
  if (binary === undefined) {
    console.error('no peer: cargo build --release -p ferrohttp-h1-testing --example parser-parity-peer');
    process.exitCode = 2;
    return;
  }
  const peer = new Peer(binary, [...profile, values.break]);

  const BATCH = 1000;
  const kinds = new Map();
  let done = 0;
  let differences = 0;
  const started = Date.now();

  async function compare() {
    let pending;
    while (done < total || pending) {
      let next;
      if (done < total) {
        const tests = [];
        for (let i = 0; i < BATCH && done < total; i++) {
          const test = make(random, MAX_LENIENT, catalogue, done++);
          if (!hangs(test))
            tests.push(test);
        }
        next = { tests, answer: peer.ask(tests), expected: tests.map(run) };
      }
      if (pending) {
        const answer = await pending.answer;
        for (const [i, test] of pending.tests.entries()) {
          if (answer[i] !== pending.expected[i])
            await difference(test, pending.expected[i], answer[i]);
        }
      }
      pending = next;
      if (differences > 2000)
        break;
    }
    peer.end();
  }

  async function difference(test, expected, actual) {
    differences++;
    const kind = report.kind(test, expected, actual);
    const known = kinds.get(kind);
    if (known) {
      known.count++;
    } else if (kinds.size < 40) {
      const shrunk = await shrink(test, run, hangs, async (small) => (await peer.ask([small]))[0]);
      kinds.set(kind, { count: 1, text: report.show(shrunk.test, shrunk.expected, shrunk.actual) });
    }
  }

  compare().then(() => {
    const seconds = (Date.now() - started) / 1000;
    for (const { count, text } of kinds.values())
      console.log(`${text}  seen ${count} times\n`);
    console.log(`Node ${process.version} (llhttp ${process.versions.llhttp}), seed ${values.seed}: ` +
      `${done} cases in ${seconds.toFixed(1)} s (${Math.round(done / seconds)}/s), ` +
      `${differences} differences`);
    process.exitCode = differences === 0 ? 0 : 1;
  });
}
