'use strict';

// Compiles the crate with cargo and puts the result in its place.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

/** An error whose message is all that the user needs. */
class BuildFailure extends Error {}

const LIBRARIES = { darwin: 'libferrohttp.dylib', win32: 'ferrohttp.dll' };

function requireCargo() {
  const { error, status } = spawnSync('cargo', ['--version'], { stdio: 'ignore' });
  if (error || status !== 0) {
    throw new BuildFailure('cargo was not found: install Rust 1.88 or newer (https://rustup.rs) and have it on the PATH');
  }
}

function run(what, command, args, options) {
  const { error, status, signal } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (error) throw new BuildFailure(`${what}: ${error.message}`);
  if (status !== 0) throw new BuildFailure(`${what} ended with ${signal ?? `code ${status}`}`);
}

/** Builds the crate in `folder` and returns the path of the library. Cargo's environment variables have their effect. */
function compile(folder, { locked = true } = {}) {
  requireCargo();
  const target = path.resolve(folder, process.env.CARGO_TARGET_DIR || 'target');
  const args = ['build', '--release', '--lib', '--target-dir', target, ...(locked ? ['--locked'] : [])];
  run('cargo build', 'cargo', args, { cwd: folder });
  return path.join(target, 'release', LIBRARIES[process.platform] ?? 'libferrohttp.so');
}

/** Copies a file. It uses rename, so that a process that has the old file mapped keeps it. */
function place(from, to) {
  const incoming = `${to}.${process.pid}`;
  fs.copyFileSync(from, incoming);
  fs.renameSync(incoming, to);
}

module.exports = { BuildFailure, compile, place, requireCargo, run };
