'use strict';

// What a binary imports and exports, and which system it needs. The tools for other systems and processors are not
// installed everywhere, so this file reads the tables itself.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { readElf } = require('./elf.js');
const { readMachO } = require('./macho.js');
const { readPe } = require('./pe.js');

/**
 * `{ os, cpu, imports, exports, libraries }`, and except for ELF `needs`, the oldest system that loads the binary. In
 * ELF, the imports have versions instead. Of macOS there is also `signed`.
 */
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

/** The newest version of glibc that an import needs. */
function glibcNeeded({ imports }) {
  return imports.map(({ version }) => /^GLIBC_([\d.]+)$/.exec(version)?.[1]).filter(Boolean)
    .reduce((newest, version) => (newer(version, newest) ? version : newest), '0');
}

/**
 * The symbols that a binary imports, by objdump: `{ name, version }`. The result is undefined if objdump is missing or
 * cannot read the file: the binutils of one processor may not know the files of another.
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
