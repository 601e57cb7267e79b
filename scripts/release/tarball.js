'use strict';

// Reads the tarballs that npm packs, also on systems without tar.

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const BLOCK = 512;

/** The files of a tarball: `{ name, mode, body }`. The names do not begin with the folder `package`. */
function* filesOf(tarball) {
  const bytes = zlib.gunzipSync(tarball);
  const text = (at, length) => bytes.toString('latin1', at, at + length).replace(/\0.*$/s, '');
  for (let at = 0; bytes[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8);
    const kind = text(at + 156, 1);
    const body = bytes.subarray(at + BLOCK, at + BLOCK + size);
    // npm packs only files. A header of another kind could change the meaning of the next one.
    if (kind !== '0') throw new Error(`an entry of the kind ${kind}`);
    // A long name is stored in two parts.
    const name = path.posix.join(text(at + 345, 155), text(at, 100)).replace(/^package\//, '');
    yield { name, mode: parseInt(text(at + 100, 8), 8), body };
    at += BLOCK * (1 + Math.ceil(size / BLOCK));
  }
}

/** The package.json of a tarball. */
function readManifest(tarball) {
  for (const { name, body } of filesOf(tarball)) if (name === 'package.json') return JSON.parse(body.toString('utf8'));
  throw new Error('a tarball without package.json');
}

function unpack(file, folder) {
  for (const { name, mode, body } of filesOf(fs.readFileSync(file))) {
    const target = path.join(folder, name);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, body, { mode });
  }
}

module.exports = { readManifest, unpack };
