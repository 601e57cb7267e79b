'use strict';

// PE, the format of Windows: the functions that a library imports and exports, the libraries that they come from, and
// the oldest system that loads it.

const MACHINES = { 0x8664: 'x64', 0xaa64: 'arm64' };

const EXPORTS = 0;
const IMPORTS = 1;
const DELAYED_IMPORTS = 13;

const text = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at));

/** Returns a function that turns an address in memory into an offset in the file. */
function mapping(bytes, header) {
  const first = header + 24 + bytes.readUInt16LE(header + 20);
  const sections = Array.from({ length: bytes.readUInt16LE(header + 6) }, (_, i) => {
    const at = first + i * 40;
    return { size: bytes.readUInt32LE(at + 8), memory: bytes.readUInt32LE(at + 12), file: bytes.readUInt32LE(at + 20) };
  });
  return (address) => {
    const { memory, file } = sections.find((section) => address >= section.memory && address < section.memory + section.size);
    return address - memory + file;
  };
}

function readExports(bytes, place, address) {
  if (address === 0) return [];
  const at = place(address);
  const names = place(bytes.readUInt32LE(at + 32));
  return Array.from({ length: bytes.readUInt32LE(at + 24) }, (_, i) => text(bytes, place(bytes.readUInt32LE(names + i * 4))));
}

/** The names in a table of functions that ends with an empty entry. */
function readNames(bytes, at, place) {
  const names = [];
  for (let entry = at; ; entry += 8) {
    const value = bytes.readBigUInt64LE(entry);
    if (value === 0n) return names;
    // If the highest bit is set, the entry is a number. Otherwise it points to a hint of two bytes and then the name.
    names.push(value >> 63n ? `#${value & 0xffffn}` : text(bytes, place(Number(value)) + 2));
  }
}

/**
 * The functions in a table of libraries. The arguments are the size of an entry, and where its name and functions are.
 */
function readImports(bytes, place, address, { size, library, functions }) {
  const imports = [];
  if (address === 0) return imports;
  for (let at = place(address); bytes.readUInt32LE(at + library) !== 0; at += size) {
    const from = text(bytes, place(bytes.readUInt32LE(at + library)));
    for (const name of readNames(bytes, place(bytes.readUInt32LE(at + functions)), place)) imports.push({ name, library: from });
  }
  return imports;
}

function readPe(bytes) {
  const header = bytes.readUInt32LE(60);
  const optional = header + 24;
  const place = mapping(bytes, header);
  const directory = (index) => bytes.readUInt32LE(optional + 112 + index * 8);
  const imports = [
    ...readImports(bytes, place, directory(IMPORTS), { size: 20, library: 12, functions: 0 }),
    ...readImports(bytes, place, directory(DELAYED_IMPORTS), { size: 32, library: 4, functions: 16 }),
  ];
  return {
    os: 'win32',
    cpu: MACHINES[bytes.readUInt16LE(header + 4)],
    imports,
    exports: readExports(bytes, place, directory(EXPORTS)),
    libraries: [...new Set(imports.map(({ library }) => library))],
    needs: [48, 50].map((field) => bytes.readUInt16LE(optional + field)).join('.'),
  };
}

module.exports = { readPe };
