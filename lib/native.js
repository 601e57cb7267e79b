'use strict';

// Loads the addon: the binary beside package.json if one was built here, else what the generated
// binding.js finds (prebuilt packages, NAPI_RS_NATIVE_LIBRARY_PATH). Throws one error that says
// what is missing and what to do about it.

const fs = require('node:fs');
const path = require('node:path');
const { platforms, binaryName } = require('./platform');

const ROOT = path.join(__dirname, '..');

function load() {
  const failures = [];
  let broken;
  if (!process.env.NAPI_RS_NATIVE_LIBRARY_PATH) {
    for (const platform of platforms) {
      const file = path.join(ROOT, binaryName(platform));
      if (!fs.existsSync(file)) continue;
      try {
        return require(file);
      } catch (error) {
        failures.push(error);
        broken = file;
      }
    }
  }
  try {
    return require('../binding.js');
  } catch (error) {
    collect(error, failures);
  }
  throw explain(broken, failures);
}

// Flattens what binding.js tried into a list: it chains its attempts as causes.
function collect(error, failures) {
  for (; error instanceof Error; error = error.cause) failures.push(error);
}

function explain(broken, failures) {
  const failed = (code) => failures.some((error) => error.code === code);
  if (platforms.length === 0) {
    return noBinary(`there is none for ${process.platform}-${process.arch}`,
      'Supported are Linux and macOS on x64 and arm64, and Windows on x64.', failures);
  }
  if (failed('ERR_DLOPEN_DISABLED')) {
    return noBinary('this process may not load addons',
      'Start Node with --allow-addons beside --permission, and without --no-addons.', failures);
  }
  if (failed('ERR_ACCESS_DENIED')) {
    return noBinary('this process may not read the files of the package',
      `Start Node with --allow-fs-read=${ROOT} and --allow-addons beside --permission.`, failures);
  }
  if (broken !== undefined) {
    return noBinary(`${broken} does not load (${failures[0].message})`,
      'It was built for another system or is incomplete: run `npm rebuild ferrohttp` here.', failures);
  }
  const failure = installFailure();
  if (failure !== undefined) {
    return noBinary(`the install script could not build one (${failure})`,
      'Have Rust 1.88 or newer (cargo on the PATH), then run `npm rebuild ferrohttp`.', failures);
  }
  return noBinary('the install script did not run, package managers may block such scripts',
    'Allow it (`npm install-scripts approve ferrohttp`, `pnpm approve-builds`, `enableScripts: true` ' +
    'for yarn), then run `npm rebuild ferrohttp`. It needs Rust 1.88 or newer (cargo on the PATH).', failures);
}

// What scripts/install.js left here when it gave up.
function installFailure() {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, '.build.json'), 'utf8')).failure;
  } catch {
    return undefined;
  }
}

function noBinary(what, advice, failures) {
  const error = new Error(`ferrohttp has no usable binary: ${what}. ${advice}`, { cause: failures[0] });
  error.code = 'ERR_FERROHTTP_NO_BINARY';
  return error;
}

module.exports = load();
