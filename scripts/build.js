'use strict';

// Builds the binary of a clone, beside package.json. npm runs it with `--if-stale` after `npm install` and before
// `npm start`.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const commandLine = require('./command-line.js');
const { BuildFailure, compile, place } = require('../bin/lib/cargo.js');
const { binaryName } = require('../lib/platform.js');

const USAGE = `npm run build -- [options]
  builds the binary of this clone, beside package.json
  --if-stale  only if the sources have changed since the last build
  --use FILE  takes a binary that was built elsewhere from the same sources`;

const ROOT = path.join(__dirname, '..');
const RECORDS = path.join(ROOT, '.build.json'); // by name, as binaries for several systems may lie here
const BINARY = path.join(ROOT, binaryName());

/** The files below a folder, relative to the root. The first release of Node 20 has no `recursive`. */
function filesOf(folder) {
  return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    return entry.isDirectory() ? filesOf(name) : [name];
  });
}

/** The files that the binary is made of, relative to the root. */
function sources() {
  const files = ['.cargo/config.toml', 'Cargo.toml', 'Cargo.lock', 'build.rs', 'crates/h1/Cargo.toml',
    ...filesOf('src'), ...filesOf('crates/h1/src')];
  return files.map((name) => name.split(path.sep).join('/')).sort();
}

function hash(update) {
  const sum = crypto.createHash('sha256');
  update(sum);
  return sum.digest('hex');
}

function sourcesHash() {
  return hash((sum) => {
    for (const name of sources()) {
      const text = fs.readFileSync(path.join(ROOT, name));
      sum.update(`${name}\0${text.length}\0`).update(text);
    }
  });
}

function fileHash(file) {
  return hash((sum) => sum.update(fs.readFileSync(file)));
}

function readRecords() {
  try {
    return JSON.parse(fs.readFileSync(RECORDS, 'utf8'));
  } catch {
    return {};
  }
}

// Whether the present binary was put there by the last build, from the present sources.
function isFresh() {
  const record = readRecords()[path.basename(BINARY)];
  return fs.existsSync(BINARY) && record?.sources === sourcesHash() && record.binary === fileHash(BINARY);
}

/** Puts a binary that was built of the present sources beside package.json. */
function install(from, name) {
  const file = path.join(ROOT, name);
  place(from, file);
  const records = { ...readRecords(), [name]: { sources: sourcesHash(), binary: fileHash(file) } };
  fs.writeFileSync(RECORDS, `${JSON.stringify(records, null, 2)}\n`);
}

function build() {
  install(compile(ROOT, { locked: false }), path.basename(BINARY));
}

function buildIfStale() {
  if (!isFresh()) build();
}

module.exports = { BINARY, BuildFailure, build, buildIfStale, install, sources };

if (require.main === module) {
  const { values: options } = commandLine(USAGE, { 'if-stale': { type: 'boolean' }, use: { type: 'path' } });
  try {
    if (options.use !== undefined) install(options.use, path.basename(BINARY));
    else if (options['if-stale']) buildIfStale();
    else build();
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    console.error(`ferrohttp: ${error.message}`);
    process.exitCode = 1;
  }
}
