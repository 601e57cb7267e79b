'use strict';

// npm's install step. In a clone: builds the binary if there is none of these very sources. As a
// dependency: keeps a binary that loads, takes a prebuilt package, or builds with cargo. Where
// nothing can be had it leaves the reason for lib/native.js and lets the installation go on: the
// program that requires the package gets the error.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { BuildFailure, buildIfStale, isFresh, napiCli, platform, writeRecord } = require('./build.js');

const ROOT = path.join(__dirname, '..');

// In a process of its own: what does not fit may crash.
function loads() {
  const script = `require(${JSON.stringify(path.join(ROOT, 'lib/native.js'))})`;
  return spawnSync(process.execPath, ['-e', script], { stdio: 'ignore' }).status === 0;
}

function hasPrebuilt() {
  try {
    require.resolve(`@ferrohttp/binding-${platform()}`, { paths: [ROOT] });
    return true;
  } catch {
    return false;
  }
}

function install() {
  // binding.js prefers a binary beside it to the prebuilt package, so a stale one must not stay.
  if (isFresh() && loads()) return;
  if (napiCli() === undefined && hasPrebuilt() && loads()) return;
  if (!fs.existsSync(path.join(ROOT, 'src'))) throw new BuildFailure('the package carries no Rust sources');
  buildIfStale();
}

try {
  install();
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error;
  writeRecord({ failure: error.message });
  console.error(`ferrohttp: no binary was built (${error.message}); require('ferrohttp') will say what to do`);
  // A clone is there to be built.
  if (fs.existsSync(path.join(ROOT, '.git'))) process.exitCode = 1;
}
