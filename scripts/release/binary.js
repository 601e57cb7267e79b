'use strict';

// What a binary needs of the system it is loaded into, and what it offers. The tools of other systems and processors are
// not everywhere, so the few tables are read here.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { readElf } = require('./elf.js');
const { readMachO } = require('./macho.js');
const { readPe } = require('./pe.js');

/** `{ os, cpu, imports, exports, libraries }`, and of all but ELF, whose imports have versions, what system it `needs`. */
function readBinary(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.readUInt32BE(0) === 0x7f454c46) return readElf(bytes);
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return readMachO(bytes);
  if (bytes.toString('latin1', 0, 2) === 'MZ') return readPe(bytes);
  return {};
}

function newer(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  const i = x.findIndex((part, at) => part !== (y[at] ?? 0));
  return i !== -1 && x[i] > (y[i] ?? 0);
}

/** The newest version of glibc that an import names. */
function glibcNeeded({ imports }) {
  return imports.map(({ version }) => /^GLIBC_([\d.]+)$/.exec(version)?.[1]).filter(Boolean)
    .reduce((newest, version) => (newer(version, newest) ? version : newest), '0');
}

/**
 * What objdump says of the symbols that a binary imports: `{ name, version }`. Undefined where no objdump can read it,
 * since that of one processor's binutils may not know another's files.
 */
function objdumpImports(file) {
  for (const program of ['llvm-objdump', 'objdump']) {
    const { status, stdout } = spawnSync(program, ['-T', file], { encoding: 'utf8' });
    if (status !== 0) continue;
    return stdout.split('\n').filter((line) => line.includes('*UND*')).map((line) => {
      const words = line.trim().split(/\s+/);
      return { name: words.at(-1), version: words.map((word) => /^\(?(GLIBC_[\d.]+)\)?$/.exec(word)?.[1]).find(Boolean) };
    });
  }
  return undefined;
}

module.exports = { glibcNeeded, newer, objdumpImports, readBinary };
