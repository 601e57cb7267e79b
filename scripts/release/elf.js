'use strict';

// ELF, the format of Linux: the symbols that a library imports, with their versions, and those that it exports.

const MACHINES = { 62: 'x64', 183: 'arm64' };

const SHT_DYNSYM = 11;
const SHT_GNU_VERNEED = 0x6ffffffe;
const SHT_GNU_VERSYM = 0x6fffffff;
const SHT_DYNAMIC = 6;
const DT_NEEDED = 1n;

function readSections(bytes) {
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
function readVersions(sections) {
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
  const sections = readSections(bytes);
  const symbols = sections.find(({ type }) => type === SHT_DYNSYM);
  const indexes = sections.find(({ type }) => type === SHT_GNU_VERSYM);
  const versions = readVersions(sections);
  const strings = sections[symbols.link].body;
  const imports = [];
  const exported = [];
  // A symbol has 24 bytes, and the first symbol is empty.
  for (let i = 1; i * 24 < symbols.body.length; i++) {
    const at = i * 24;
    const name = text(strings, symbols.body.readUInt32LE(at));
    const undefinedHere = symbols.body.readUInt16LE(at + 6) === 0;
    if (!undefinedHere) {
      exported.push(name);
      continue;
    }
    const weak = symbols.body[at + 4] >> 4 === 2;
    const version = indexes && versions.get(indexes.body.readUInt16LE(i * 2) & 0x7fff);
    imports.push({ name, version, weak });
  }
  const dynamic = sections.find(({ type }) => type === SHT_DYNAMIC);
  const libraries = [];
  for (let at = 0; at < dynamic.body.length; at += 16) {
    if (dynamic.body.readBigInt64LE(at) !== DT_NEEDED) continue;
    libraries.push(text(sections[dynamic.link].body, Number(dynamic.body.readBigUInt64LE(at + 8))));
  }
  return { os: 'linux', cpu: MACHINES[bytes.readUInt16LE(18)], imports, exports: exported, libraries };
}

module.exports = { readElf };
