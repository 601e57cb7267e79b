'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { BINARY } = require('./build.js');
const { bundle } = require('./release/bundle.js');

const ROOT = path.join(__dirname, '..');
const COPY = path.join(ROOT, 'target/bundled');
const LEFT_OUT = new Set(['.git', 'dist', 'node_modules', 'target']);

/** Makes a copy of the clone in which lib/ is bundled, as in the published package. Returns its path. */
function bundledCopy() {
  fs.rmSync(COPY, { recursive: true, force: true });
  fs.mkdirSync(COPY, { recursive: true });
  const isCopied = (file) => !LEFT_OUT.has(path.basename(file)) && (!file.endsWith('.node') || file === BINARY);
  for (const name of fs.readdirSync(ROOT)) {
    if (isCopied(path.join(ROOT, name))) fs.cpSync(path.join(ROOT, name), path.join(COPY, name), { recursive: true, filter: isCopied });
  }
  fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(COPY, 'node_modules'), 'junction');
  bundle(COPY);
  return COPY;
}

module.exports = { bundledCopy };
