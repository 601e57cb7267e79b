'use strict';

// Mach-O, the format of macOS: the symbols that a library imports and exports, the libraries that they come from, and
// the oldest system that loads it.

const MACHINES = { 0x01000007: 'x64', 0x0100000c: 'arm64' };

const LC_SYMTAB = 0x2;
/** LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB (the library may be missing) and LC_REEXPORT_DYLIB. */
const LC_LOADS = [0xc, 0x80000018, 0x8000001f];
const LC_VERSION_MIN_MACOSX = 0x24;
const LC_BUILD_VERSION = 0x32;

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
    needs: version(build ? bytes.readUInt32LE(build.at + 12) : bytes.readUInt32LE(older.at + 8)),
  };
}

module.exports = { readMachO };
