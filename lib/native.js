'use strict';

// Loads the addon: through the generated binding.js, which knows the prebuilt packages too, or,
// where that was never generated (a build by cargo alone), straight from the file. Throws one
// error that says what is missing and what to do about it.

const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');

function load() {
  const failures = [];
  try {
    return require('../binding.js');
  } catch (error) {
    collect(error, failures);
  }
  let file;
  try {
    const { platform, binaryName } = require('./platform.js');
    const name = platform();
    if (name === undefined) {
      throw noBinary(`there is no build for ${process.platform}-${process.arch}`,
        'Supported are Linux and macOS on x64 and arm64, and Windows on x64.', failures);
    }
    file = path.join(ROOT, binaryName(name));
    if (fs.existsSync(file)) return require(file);
    file = undefined;
  } catch (error) {
    if (error.code === 'ERR_FERROHTTP_NO_BINARY') throw error;
    collect(error, failures);
  }
  throw explain(file, failures);
}

// Flattens what binding.js tried into a list: it chains its attempts as causes.
function collect(error, failures) {
  while (error instanceof Error && !failures.includes(error)) {
    failures.push(error);
    for (const inner of error.errors ?? []) collect(inner, failures);
    error = error.cause;
  }
}

function explain(file, failures) {
  const failed = (code) => failures.find((error) => error.code === code);
  if (failed('ERR_DLOPEN_DISABLED')) {
    return noBinary('this process may not load addons',
      'Start Node with --allow-addons beside --permission, and without --no-addons.', failures);
  }
  const denied = failed('ERR_ACCESS_DENIED');
  if (denied) {
    return noBinary('this process may not read the package\'s files',
      `Start Node with --allow-fs-read=${ROOT} (and --allow-addons) beside --permission.`, failures);
  }
  if (file !== undefined) {
    return noBinary(`${file} does not load (${firstLine(failures.at(-1))})`,
      'It was built for another system or is incomplete: run `npm rebuild ferrohttp` here.', failures);
  }
  const record = buildRecord();
  if (record?.failure) {
    return noBinary(`the install script built none: ${record.failure}`,
      'Install Rust 1.88 or newer (cargo on the PATH), then run `npm rebuild ferrohttp`.', failures);
  }
  return noBinary('the install script did not run; package managers may block such scripts',
    'Allow it and rebuild: `npm rebuild ferrohttp`, `pnpm approve-builds`, or `enableScripts: true` ' +
    'for yarn. It needs Rust 1.88 or newer (cargo on the PATH).', failures);
}

function buildRecord() {
  try {
    return JSON.parse(fs.readFileSync(path.join(ROOT, '.build.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

function firstLine(error) {
  return String(error?.message).split('\n', 1)[0];
}

function noBinary(what, advice, failures) {
  const error = new Error(`ferrohttp has no usable binary: ${what}. ${advice}`, { cause: failures[0] });
  error.code = 'ERR_FERROHTTP_NO_BINARY';
  return error;
}

module.exports = load();
