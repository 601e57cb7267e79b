'use strict';

// `npx ferrohttp build`: compiles the binary for this system. The sources are in the package @ferrohttp/source of the same
// version. npm downloads it, so that the registry and the rights are those of any other package.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { BuildFailure, compile, place, requireCargo, run: spawn } = require('../lib/cargo.js');
const { platform, binaryName } = require('../../lib/platform.js');
const { version } = require('../../package.json');

const ROOT = path.join(__dirname, '../..');
const SOURCE = '@ferrohttp/source';

const USAGE = `Usage: ferrohttp build [--out FILE] [--from FOLDER]

Compiles the binary for this system with cargo, and puts it into the folder of the package.

  --out FILE     put it there instead; set FERROHTTP_BINARY to that path to use it
  --from FOLDER  take the Rust sources from there instead of the package ${SOURCE}
`;

/** The folder of the sources: the named one, the clone, or an installed package. Undefined if there is none. */
function presentSource(named) {
  if (named !== undefined) {
    if (fs.existsSync(path.join(named, 'Cargo.toml'))) return path.resolve(named);
    throw new BuildFailure(`${named} has no Cargo.toml`);
  }
  if (fs.existsSync(path.join(ROOT, 'Cargo.toml'))) return ROOT;
  try {
    const manifest = require.resolve(`${SOURCE}/package.json`);
    return require(manifest).version === version ? path.dirname(manifest) : undefined;
  } catch {
    return undefined;
  }
}

function fetchSource(folder) {
  const wanted = `${SOURCE}@${version}`;
  const args = ['install', '--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', wanted];
  // On Windows npm is a script of the shell.
  spawn(`npm could not fetch ${wanted}: npm install`, 'npm', args, { shell: process.platform === 'win32' });
  return path.join(folder, 'node_modules', SOURCE);
}

// npm dates what it unpacks to 1985, by which cargo would take any older build for up to date.
function touch(folder) {
  const now = new Date();
  for (const name of fs.readdirSync(folder, { recursive: true })) fs.utimesSync(path.join(folder, name), now, now);
}

function requireWritable(folder) {
  try {
    fs.accessSync(folder, fs.constants.W_OK);
  } catch {
    throw new BuildFailure(`${folder} cannot be written: use --out FILE, and set FERROHTTP_BINARY to that path`);
  }
}

// It is loaded in a process of its own, because a binary that does not fit may crash.
function requireLoadable(file) {
  const script = `require(${JSON.stringify(path.join(ROOT, 'lib/native.js'))})`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], {
    env: { ...process.env, FERROHTTP_BINARY: file }, encoding: 'utf8',
  });
  if (status !== 0) throw new BuildFailure(`${file} was built, but does not load: ${stderr.trim().split('\n')[0]}`);
}

function build({ out, from }) {
  const file = out === undefined ? path.join(ROOT, binaryName()) : path.resolve(out);
  requireCargo();
  requireWritable(path.dirname(file));
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-build-'));
  try {
    let source = presentSource(from);
    if (source === undefined) touch(source = fetchSource(work));
    place(compile(source), file);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  requireLoadable(file);
  console.log(`ferrohttp: built ${file} for ${platform}`);
  if (out !== undefined) console.log(`ferrohttp: set FERROHTTP_BINARY=${file} to use it`);
}

function run(args) {
  try {
    const { values } = parseArgs({
      args, options: { out: { type: 'string' }, from: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) process.stdout.write(USAGE);
    else build(values);
  } catch (error) {
    const isMisused = error.code?.startsWith('ERR_PARSE_ARGS') === true;
    if (!isMisused && !(error instanceof BuildFailure)) throw error;
    process.stderr.write(`ferrohttp build: ${isMisused ? `${error.message.split('. ')[0]}\n\n${USAGE}` : `${error.message}\n`}`);
    process.exitCode = isMisused ? 2 : 1;
  }
}

module.exports = { run };
