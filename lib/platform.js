'use strict';

// The name of the system on which this process runs, as in the names of binaries: `ferrohttp.<platform>.node`, and
// `@ferrohttp/binding-<platform>` for published ones.

const fs = require('node:fs');

/** The systems for which binaries are published. lib/prebuilt.js names each package. */
const PREBUILT = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
  'win32-arm64-msvc',
];

const PT_INTERP = 3;

// The dynamic loader that the executable names. It shows which C library an addon must fit. `process.report` would show
// it, too, but takes milliseconds.
function interpreter(file) {
  const fd = fs.openSync(file, 'r');
  try {
    const read = (length, position) => {
      const bytes = Buffer.alloc(length);
      fs.readSync(fd, bytes, 0, length, position);
      return bytes;
    };
    // ELF of 64 bits, little-endian: e_phoff, e_phentsize and e_phnum lead to the program headers.
    const head = read(64, 0);
    if (head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return undefined;
    const size = head.readUInt16LE(54);
    const headers = read(size * head.readUInt16LE(56), Number(head.readBigUInt64LE(32)));
    for (let at = 0; at < headers.length; at += size) {
      if (headers.readUInt32LE(at) !== PT_INTERP) continue;
      const length = Number(headers.readBigUInt64LE(at + 32));
      return read(length, Number(headers.readBigUInt64LE(at + 8))).toString('latin1');
    }
  } catch {
    return undefined; // It may not be readable, for example under the permission model.
  } finally {
    fs.closeSync(fd);
  }
  return undefined;
}

function isMusl() {
  let loader;
  try {
    loader = interpreter(process.execPath);
  } catch {
    loader = undefined;
  }
  if (loader !== undefined) return loader.includes('ld-musl');
  // The network part of the report would ask name servers.
  process.report.excludeNetwork = true;
  return process.report.getReport().header.glibcVersionRuntime === undefined;
}

function abi() {
  if (process.platform === 'linux') return isMusl() ? '-musl' : '-gnu';
  // Node is built with MSVC. A binary that MinGW has built fits as well, and has the same name.
  return process.platform === 'win32' ? '-msvc' : '';
}

const platform = `${process.platform}-${process.arch}${abi()}`;

module.exports = {
  PREBUILT,
  platform,
  binaryName: (name = platform) => `ferrohttp.${name}.node`,
};
