'use strict';

// Runs the fuzz targets for a time, and keeps what they found. A run starts from the golden vectors, the seeds of the
// parity tool and corpora/*.bin, and puts the inputs that it finds into corpus/. Of the inputs that are short enough to be
// kept, corpora/*.bin have as few as reach the same code as all of them. crates/h1-testing/tests/corpora.rs runs the kept
// inputs without a fuzzer.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { seed } = require('./corpus.js');
const commandLine = require('../../../scripts/command-line.js');

const TARGETS = ['heads', 'bodies', 'fast_against_machine', 'split_invariance'];

const USAGE = `npm run fuzz -- [options]
  runs the fuzz targets, and keeps what they find in crates/h1/fuzz/corpus; needs cargo install cargo-fuzz
  --target NAME    one of ${TARGETS.join(', ')}; all by default
  --seconds N      of each, 60 by default, 0 for none
  --keep           then writes crates/h1/fuzz/corpora/*.bin anew
  --largest BYTES  the longest input that is kept so, 256 by default`;

const { values: options } = commandLine(USAGE, {
  target: { type: 'string', choices: TARGETS },
  seconds: { type: 'number', default: 60 },
  keep: { type: 'boolean' },
  largest: { type: 'number', default: 256 },
});

const here = (...parts) => path.join(__dirname, ...parts);

function run(command, args, more) {
  const { status, error, stdout } = spawnSync(command, args, { cwd: path.join(__dirname, '..'), stdio: 'inherit', ...more });
  if (error || status !== 0) {
    console.error(`npm run fuzz: ${command} ${args.join(' ')} ended with ${error?.message ?? status}`);
    process.exit(1);
  }
  return stdout;
}

/** Joins inputs to one Buffer. The length of an input stands before it. */
function pack(folder) {
  return Buffer.concat(fs.readdirSync(folder).sort().flatMap((name) => {
    const input = fs.readFileSync(path.join(folder, name));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(input.length);
    return [length, input];
  }));
}

function unpack(file, folder) {
  if (!fs.existsSync(file)) return;
  const packed = fs.readFileSync(file);
  for (let at = 0, i = 0; at < packed.length; i++) {
    const end = at + 4 + packed.readUInt32LE(at);
    fs.writeFileSync(path.join(folder, `kept-${i}`), packed.subarray(at + 4, end));
    at = end;
  }
}

// cargo-fuzz uses compiler flags that are meant for nightly compilers. This variable lets a stable compiler take them.
run('cargo', ['fuzz', 'build', '--fuzz-dir', __dirname], { env: { ...process.env, RUSTC_BOOTSTRAP: '1' } });
const [, host] = /^host: (.*)$/m.exec(run('rustc', ['-vV'], { stdio: 'pipe', encoding: 'utf8' }));

seed(TARGETS);
for (const target of options.target === undefined ? TARGETS : [options.target]) {
  const binary = here('target', host, 'release', target);
  const corpus = here('corpus', target);
  fs.mkdirSync(here('artifacts'), { recursive: true });
  unpack(here('corpora', `${target}.bin`), corpus);
  if (options.seconds > 0) {
    run(binary, [
      corpus, `-artifact_prefix=${here('artifacts', `${target}-`)}`, `-dict=${here('http1.dict')}`,
      '-max_len=4096', '-timeout=20', `-max_total_time=${options.seconds}`, '-print_final_stats=1',
    ]);
  }
  if (options.keep) {
    const least = fs.mkdtempSync(here('corpus', `${target}-least-`));
    run(binary, ['-merge=1', `-max_len=${options.largest}`, least, corpus]);
    const packed = pack(least);
    fs.mkdirSync(here('corpora'), { recursive: true });
    fs.writeFileSync(here('corpora', `${target}.bin`), packed);
    console.log(`${target}: ${fs.readdirSync(least).length} inputs kept, ${packed.length} bytes`);
    fs.rmSync(least, { recursive: true });
  }
}
