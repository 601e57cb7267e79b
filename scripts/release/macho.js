'use strict';

// Mach-O, the format of macOS: the symbols that a library imports and exports, the libraries that they come from, the
// oldest system that loads it, and whether it is signed.

const crypto = require('node:crypto');

const MACHINES = { 0x01000007: 'x64', 0x0100000c: 'arm64' };

const LC_SYMTAB = 0x2;
/** LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB (the library may be missing) and LC_REEXPORT_DYLIB. */
const LC_LOADS = [0xc, 0x80000018, 0x8000001f];
const LC_CODE_SIGNATURE = 0x1d;
const LC_VERSION_MIN_MACOSX = 0x24;
const LC_BUILD_VERSION = 0x32;

const CSMAGIC_CODEDIRECTORY = 0xfade0c02;
const CS_HASHTYPE_SHA256 = 2;

const N_STAB = 0xe0;
const N_TYPE = 0x0e;
const N_EXT = 0x01;
const N_WEAK_REF = 0x40;

const text = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at));
const version = (number) => `${number >> 16}.${(number >> 8) & 0xff}`;

/** The load commands: `{ kind, at }`, in order. */
function readCommands(bytes) {
  const commands = [];
  for (let at = 32, i = 0; i < bytes.readUInt32LE(16); i++) {
    commands.push({ kind: bytes.readUInt32LE(at), at });
    at += bytes.readUInt32LE(at + 4);
  }
  return commands;
}

function readSymbols(bytes, at, libraries) {
  const [symbols, count, strings] = [8, 12, 16].map((field) => bytes.readUInt32LE(at + field));
  const imports = [];
  const exported = [];
  for (let i = 0; i < count; i++) {
    const symbol = symbols + i * 16;
    const type = bytes[symbol + 4];
    if (type & N_STAB || !(type & N_EXT)) continue;
    // On macOS each name of C begins with an underscore.
    const name = text(bytes, strings + bytes.readUInt32LE(symbol)).replace(/^_/, '');
    const description = bytes.readUInt16LE(symbol + 6);
    if (type & N_TYPE) exported.push(name);
    // The loader looks for a symbol without a library in the whole process.
    else imports.push({ name, weak: (description & N_WEAK_REF) !== 0, library: libraries[(description >> 8) - 1] });
  }
  return { imports, exports: exported };
}

/**
 * Whether the library has a signature, be it without a certificate, that holds: it covers everything before itself, and
 * each page has the hash that stands there. A tool that changes a library after its linker breaks that.
 */
function isSigned(bytes, commands) {
  const command = commands.find(({ kind }) => kind === LC_CODE_SIGNATURE);
  if (command === undefined) return false;
  const end = bytes.readUInt32LE(command.at + 8);
  // From here on all numbers are big-endian. The list has the place of each part; the first is the one with the hashes.
  const directory = bytes.subarray(end + bytes.readUInt32BE(end + 16));
  if (directory.readUInt32BE(0) !== CSMAGIC_CODEDIRECTORY || directory[37] !== CS_HASHTYPE_SHA256) return false;
  const [hashes, pages, covered] = [16, 28, 32].map((field) => directory.readUInt32BE(field));
  const pageSize = 2 ** directory[39];
  if (covered !== end || pages !== Math.ceil(end / pageSize)) return false;
  return Array.from({ length: pages }, (_, i) => i).every((i) => {
    const page = bytes.subarray(i * pageSize, Math.min((i + 1) * pageSize, end));
    return crypto.createHash('sha256').update(page).digest().equals(directory.subarray(hashes + i * 32, hashes + (i + 1) * 32));
  });
}

function readMachO(bytes) {
  const commands = readCommands(bytes);
  const libraries = commands.filter(({ kind }) => LC_LOADS.includes(kind))
    .map(({ at }) => text(bytes, at + bytes.readUInt32LE(at + 8)));
  const symbols = commands.find(({ kind }) => kind === LC_SYMTAB);
  const build = commands.find(({ kind }) => kind === LC_BUILD_VERSION);
  const older = commands.find(({ kind }) => kind === LC_VERSION_MIN_MACOSX);
  return {
    os: 'darwin',
    cpu: MACHINES[bytes.readUInt32LE(4)],
    ...readSymbols(bytes, symbols.at, libraries),
    libraries,
    signed: isSigned(bytes, commands),
    needs: version(build ? bytes.readUInt32LE(build.at + 12) : bytes.readUInt32LE(older.at + 8)),
  };
}

module.exports = { readMachO };
