'use strict';

// Loads the addon from the first of these that exists:
//   - the file that FERROHTTP_BINARY names
//   - `ferrohttp.<platform>.node` in the package's folder (a clone, or `npx ferrohttp build`), beside
//     this file (a bundle), or beside a single executable
//   - the package @ferrohttp/binding-<platform>
// If none loads, it throws an error whose message says in one line what is missing and what to do.

const fs = require('node:fs');
const path = require('node:path');
const { PREBUILT, platform, binaryName } = require('./platform');
const { loadPrebuilt } = require('./prebuilt');

const ROOT = path.join(__dirname, '..');
const BUILD = '`npx ferrohttp build` (needs Rust 1.88 or newer)';

// It uses dlopen, because bundles and single executables cannot `require` a file.
function loadFile(file) {
  const module = { exports: {} };
  process.dlopen(module, file);
  return module.exports;
}

function isSingleExecutable() {
  try {
    return require('node:sea').isSea();
  } catch {
    return false; // This release of Node does not have node:sea.
  }
}

function placedFile() {
  const folders = [ROOT, __dirname];
  if (isSingleExecutable()) folders.push(path.dirname(process.execPath));
  return folders.map((folder) => path.join(folder, binaryName())).find((file) => fs.existsSync(file));
}

function load() {
  const file = process.env.FERROHTTP_BINARY || placedFile();
  if (file !== undefined) {
    try {
      return loadFile(path.resolve(file));
    } catch (error) {
      throw explain(error, file);
    }
  }
  const { binding, error } = loadPrebuilt(platform);
  if (binding !== undefined) return binding;
  throw explain(error);
}

/** Makes the error for what went wrong with `file` or, without one, with the published package. */
function explain(cause, file) {
  switch (cause?.code) {
    case 'ERR_DLOPEN_DISABLED':
      return noBinary('this process may not load addons',
        'Start Node with --allow-addons beside --permission, and without --no-addons.', cause);
    case 'ERR_ACCESS_DENIED':
      return noBinary('this process may not read the files of the package',
        `Start Node with --allow-fs-read=${ROOT} and --allow-addons beside --permission.`, cause);
    default:
  }
  if (file !== undefined && file === process.env.FERROHTTP_BINARY) {
    return noBinary(`${file}, which FERROHTTP_BINARY names, does not load (${oneLine(cause)})`,
      'Name another file, or unset it.', cause);
  }
  if (file !== undefined) {
    return noBinary(`${file} does not load (${oneLine(cause)})`,
      `It was built for another system or is incomplete: remove it, or run ${BUILD} here.`, cause);
  }
  if (!PREBUILT.includes(platform)) {
    return noBinary(`none is published for ${platform}`, `Build one: ${BUILD}.`, cause);
  }
  const name = `@ferrohttp/binding-${platform}`;
  if (cause.code !== 'MODULE_NOT_FOUND') {
    return noBinary(`${name} does not load (${oneLine(cause)})`, `Build one for this system: ${BUILD}.`, cause);
  }
  return noBinary(`the package ${name} is not installed`,
    'Install on this system, with optional dependencies (no --omit=optional) and a lock file that has them; ' +
    `or build one: ${BUILD}.`, cause);
}

function oneLine(error) {
  return error.message.trim().replace(/\s*\n\s*/g, ' ');
}

function noBinary(what, advice, cause) {
  const error = new Error(`ferrohttp has no usable binary: ${what}. ${advice}`, { cause });
  error.code = 'ERR_FERROHTTP_NO_BINARY';
  return error;
}

module.exports = load();
