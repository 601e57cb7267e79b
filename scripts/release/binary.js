'use strict';

// What a binary needs of the system it is loaded into: its format and processor, and for ELF the
// symbols that it imports, with their versions. The tools of other processors' binutils are not
// everywhere, so the few tables are read here.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

const ELF_MACHINES = { 62: 'x64', 183: 'arm64' };
const PE_MACHINES = { 0x8664: 'x64', 0xaa64: 'arm64' };
const MACHO_MACHINES = { 0x01000007: 'x64', 0x0100000c: 'arm64' };

const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const SHT_DYNAMIC = 6;
const DT_NEEDED = 1n;

function elfSections(bytes) {
  const offset = Number(bytes.readBigUInt64LE(40));
  const size = bytes.readUInt16LE(58);
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, i) => {
    const at = offset + i * size;
    const start = Number(bytes.readBigUInt64LE(at + 24));
    return {
      type: bytes.readUInt32LE(at + 4),
      body: bytes.subarray(start, start + Number(bytes.readBigUInt64LE(at + 32))),
      link: bytes.readUInt32LE(at + 40),
      count: bytes.readUInt32LE(at + 44),
    };
  });
}

function text(table, at) {
  return table.toString('latin1', at, table.indexOf(0, at));
}

/** Version names by their index in .gnu.version. */
function elfVersions(sections) {
  const versions = new Map();
  const needs = sections.find(({ type }) => type === SHT_GNU_VERNEED);
  if (needs === undefined) return versions;
  const strings = sections[needs.link].body;
  const { body } = needs;
  for (let at = 0, i = 0; i < needs.count; i++) {
    for (let aux = at + body.readUInt32LE(at + 8), j = 0; j < body.readUInt16LE(at + 2); j++) {
      versions.set(body.readUInt16LE(aux + 6), text(strings, body.readUInt32LE(aux + 8)));
      aux += body.readUInt32LE(aux + 12);
    }
    at += body.readUInt32LE(at + 12);
  }
  return versions;
}

function readElf(bytes) {
  const sections = elfSections(bytes);
  const symbols = sections.find(({ type }) => type === SHT_DYNSYM);
  const indexes = sections.find(({ type }) => type === SHT_GNU_VERSYM);
  const versions = elfVersions(sections);
  const strings = sections[symbols.link].body;
  const imports = [];
  // 24 bytes a symbol; the first is empty.
  for (let i = 1; i * 24 < symbols.body.length; i++) {
    const at = i * 24;
    const undefinedHere = symbols.body.readUInt16LE(at + 6) === 0;
    if (!undefinedHere) continue;
    const weak = symbols.body[at + 4] >> 4 === 2;
    const version = indexes && versions.get(indexes.body.readUInt16LE(i * 2) & 0x7fff);
    imports.push({ name: text(strings, symbols.body.readUInt32LE(at)), version, weak });
  }
  const dynamic = sections.find(({ type }) => type === SHT_DYNAMIC);
  const libraries = [];
  for (let at = 0; at < dynamic.body.length; at += 16) {
    if (dynamic.body.readBigInt64LE(at) !== DT_NEEDED) continue;
    libraries.push(text(sections[dynamic.link].body, Number(dynamic.body.readBigUInt64LE(at + 8))));
  }
  return { os: 'linux', cpu: ELF_MACHINES[bytes.readUInt16LE(18)], imports, libraries };
}

/** `{ os, cpu }`, and for ELF `imports` and `libraries`. */
function readBinary(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.readUInt32BE(0) === 0x7f454c46) return readElf(bytes);
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return { os: 'darwin', cpu: MACHO_MACHINES[bytes.readUInt32LE(4)] };
  if (bytes.toString('latin1', 0, 2) === 'MZ') {
    return { os: 'win32', cpu: PE_MACHINES[bytes.readUInt16LE(bytes.readUInt32LE(60) + 4)] };
  }
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
