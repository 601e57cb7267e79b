'use strict';

// Builds the release binary, and with @napi-rs/cli (a development dependency) binding.js and
// binding.d.ts. `--if-stale` does nothing when the last build was of these very sources.

const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { platforms, binaryName } = require('../lib/platform.js');

const ROOT = path.join(__dirname, '..');
const RECORD = path.join(ROOT, '.build.json');
const GENERATED = ['binding.js', 'binding.d.ts'];

const inRoot = (name) => path.join(ROOT, name);

class BuildFailure extends Error {}

// ---- What was built -------------------------------------------------------------------------

function sources() {
  const files = ['Cargo.toml', 'Cargo.lock', 'build.rs', 'crates/h1/Cargo.toml'];
  for (const folder of ['src', 'crates/h1/src']) {
    for (const entry of fs.readdirSync(inRoot(folder), { recursive: true })) {
      const name = path.join(folder, entry);
      if (fs.statSync(inRoot(name)).isFile()) files.push(name);
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
      const text = fs.readFileSync(inRoot(name));
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

function writeRecord(record) {
  fs.writeFileSync(RECORD, `${JSON.stringify(record)}\n`);
}

// Whether the binary in place is the one that was last built here, from the sources as they are.
function isFresh() {
  const binary = inRoot(binaryName(platform()));
  const record = readRecord();
  return fs.existsSync(binary) &&
    (napiCli() === undefined || GENERATED.every((name) => fs.existsSync(inRoot(name)))) &&
    record.sources === sourcesHash() && record.binary === fileHash(binary);
}

// ---- Building -------------------------------------------------------------------------------

function isMusl() {
  // Without its network part the report is cheap and asks no name server.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

// The platform that this Node runs on.
function platform() {
  if (platforms.length === 0) throw new BuildFailure(`${process.platform}-${process.arch} is not supported`);
  return platforms[platforms.length > 1 && isMusl() ? 1 : 0];
}

// The development dependency of this package, not what the project around it may have.
function napiCli() {
  const dir = inRoot('node_modules/@napi-rs/cli');
  const manifest = path.join(dir, 'package.json');
  return fs.existsSync(manifest) ? path.join(dir, require(manifest).bin.napi) : undefined;
}

// Runs `what`; with `quiet` its output is kept and only an error of it is reported.
function run(what, command, args, quiet) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    maxBuffer: 1 << 28,
  });
  if (result.error) throw new BuildFailure(`${what}: ${result.error.message}`);
  if (result.status === 0) return result.stdout;
  const said = quiet ? result.stderr.split('\n').find((line) => line.startsWith('error')) : undefined;
  throw new BuildFailure(said ?? `${what} ended with ${result.signal ?? `code ${result.status}`}`);
}

function requireCargo() {
  const { error, status } = spawnSync('cargo', ['--version'], { stdio: 'ignore' });
  if (error || status !== 0) throw new BuildFailure('cargo was not found');
}

// By rename: a process that has the old binary mapped keeps it.
function place(from, to) {
  const incoming = `${to}.${process.pid}`;
  fs.copyFileSync(from, incoming);
  fs.renameSync(incoming, to);
}

function buildWithNapi(cli) {
  const out = inRoot('target/binding');
  fs.mkdirSync(out, { recursive: true });
  run('napi build', process.execPath, [
    cli, 'build', '--release', '--platform', '--output-dir', out, '--js', 'binding.js', '--dts', 'binding.d.ts',
  ]);
  for (const name of [binaryName(platform()), ...GENERATED]) place(path.join(out, name), inRoot(name));
}

// Without the development dependencies. What cargo leaves behind is a hundred times the binary,
// so it is removed, unless it was there before or the environment names a place for it.
function buildWithCargo() {
  const named = process.env.CARGO_TARGET_DIR;
  const dir = path.resolve(ROOT, named ?? 'target');
  const keep = named !== undefined || fs.existsSync(dir);
  // npm dates what it unpacks to 1985, by which cargo would take any older build for up to date.
  const now = new Date();
  for (const name of sources()) fs.utimesSync(inRoot(name), now, now);
  try {
    run('cargo build', 'cargo', ['build', '--release', '--lib', '--locked', '--target-dir', dir], true);
    const library = { darwin: 'libferrohttp.dylib', win32: 'ferrohttp.dll' }[process.platform] ?? 'libferrohttp.so';
    place(path.join(dir, 'release', library), inRoot(binaryName(platform())));
  } finally {
    if (!keep) fs.rmSync(dir, { recursive: true, force: true });
  }
}

function build() {
  requireCargo();
  const cli = napiCli();
  if (cli === undefined) buildWithCargo();
  else buildWithNapi(cli);
  // After the build: cargo may have brought Cargo.lock up to date.
  writeRecord({ sources: sourcesHash(), binary: fileHash(inRoot(binaryName(platform()))) });
}

function buildIfStale() {
  if (!isFresh()) build();
}

module.exports = { BuildFailure, build, buildIfStale, isFresh, napiCli, platform, writeRecord };

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
