'use strict';

// Builds the binary of a clone, beside package.json. `--if-stale` does nothing when the last build
// was of these very sources. npm runs it so after `npm install`, and before `npm start`.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { BuildFailure, compile, place } = require('../bin/lib/cargo.js');
const { binaryName } = require('../lib/platform.js');

const ROOT = path.join(__dirname, '..');
const RECORD = path.join(ROOT, '.build.json');
const BINARY = path.join(ROOT, binaryName());

/** The files that the binary is made of, relative to the root. */
function sources() {
  const files = ['.cargo/config.toml', 'Cargo.toml', 'Cargo.lock', 'build.rs', 'crates/h1/Cargo.toml'];
  for (const folder of ['src', 'crates/h1/src']) {
    for (const entry of fs.readdirSync(path.join(ROOT, folder), { recursive: true })) {
      const name = path.join(folder, entry);
      if (fs.statSync(path.join(ROOT, name)).isFile()) files.push(name);
    }
  }
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

function readRecord() {
  try {
    return JSON.parse(fs.readFileSync(RECORD, 'utf8'));
  } catch {
    return {};
  }
}

// Whether the binary in place is the one that was last built here, from the sources as they are.
function isFresh() {
  const record = readRecord();
  return fs.existsSync(BINARY) && record.sources === sourcesHash() && record.binary === fileHash(BINARY);
}

function build() {
  place(compile(ROOT, { locked: false }), BINARY);
  // After the build: cargo may have brought Cargo.lock up to date.
  fs.writeFileSync(RECORD, `${JSON.stringify({ sources: sourcesHash(), binary: fileHash(BINARY) })}\n`);
}

function buildIfStale() {
  if (!isFresh()) build();
}

module.exports = { BINARY, BuildFailure, build, buildIfStale, isFresh, sources };

if (require.main === module) {
  try {
    if (process.argv.includes('--if-stale')) buildIfStale();
    else build();
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    console.error(`ferrohttp: ${error.message}`);
    process.exitCode = 1;
  }
}
