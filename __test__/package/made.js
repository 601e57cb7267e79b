'use strict';

// The smallest libraries of macOS and Windows that name what they need: for the tests of what reads them.

const crypto = require('node:crypto');

/** Numbers and texts, one after the other: `[bytes, value]`, or a text with a 0 behind it. */
function bytesOf(...parts) {
  return Buffer.concat(parts.map((part) => {
    if (Buffer.isBuffer(part)) return part;
    if (typeof part === 'string') return Buffer.from(`${part}\0`, 'latin1');
    const [size, value] = part;
    const buffer = Buffer.alloc(size);
    if (size === 8) buffer.writeBigUInt64LE(BigInt(value));
    else if (value !== 0) buffer.writeUIntLE(value, 0, size);
    return buffer;
  }));
}

function padded(bytes, size) {
  return Buffer.concat([bytes, Buffer.alloc(size - bytes.length)]);
}

/**
 * `imports`: `[name, index of its library from 1, or 254 for the whole process]`. `oldest`: `[major, minor]` of macOS.
 */
function machO({ cpu, oldest: [major, minor], libraries, imports, exported }) {
  const loads = libraries.map((name) => {
    const size = 24 + Math.ceil((name.length + 1) / 8) * 8;
    return padded(bytesOf([4, 0xc], [4, size], [4, 24], [4, 0], [4, 0], [4, 0], name), size);
  });
  const version = bytesOf([4, 0x32], [4, 24], [4, 1], [4, (major << 16) | (minor << 8)], [4, 0], [4, 0]);
  const symbols = [...imports.map(([name, library]) => ({ name, type: 1, library })), ...exported.map((name) => ({ name, type: 0xf, library: 0 }))];
  const names = symbols.map(({ name }) => `_${name}\0`);
  const commands = Buffer.concat([...loads, version]);
  const at = 32 + commands.length + 24 + 16;
  const table = Buffer.concat(symbols.map(({ type, library }, i) => bytesOf(
    [4, names.slice(0, i).join('').length], [1, type], [1, 0], [2, library << 8], [8, 0])));
  const end = at + table.length + names.join('').length;
  const library = Buffer.concat([
    bytesOf([4, 0xfeedfacf], [4, cpu === 'x64' ? 0x01000007 : 0x0100000c], [4, 0], [4, 6],
      [4, loads.length + 3], [4, commands.length + 24 + 16], [4, 0], [4, 0]),
    commands,
    bytesOf([4, 2], [4, 24], [4, at], [4, symbols.length], [4, at + table.length], [4, names.join('').length]),
    bytesOf([4, 0x1d], [4, 16], [4, end], [4, 0]),
    table, Buffer.from(names.join(''), 'latin1'),
  ]);
  return Buffer.concat([library, signature(library)]);
}

/** As the linker signs: the hashes of the pages, and no certificate. */
function signature(library) {
  const PAGE = 12; // the logarithm of its size
  const pages = [];
  for (let at = 0; at < library.length; at += 2 ** PAGE) pages.push(library.subarray(at, at + 2 ** PAGE));
  const big = (...numbers) => Buffer.concat(numbers.map((number) => bytesOf([4, number]).reverse()));
  const head = 44;
  const length = head + 32 * pages.length;
  return Buffer.concat([
    big(0xfade0cc0, 20 + length, 1, 0, 20),
    big(0xfade0c02, length, 0x20400, 2, head, head, 0, pages.length, library.length), bytesOf([1, 32], [1, 2], [1, 0], [1, PAGE], [4, 0]),
    ...pages.map((page) => crypto.createHash('sha256').update(page).digest()),
  ]);
}

/** `imports`: `{ library: [name, ...] }`. `oldest`: `[major, minor]` of the system. */
function pe({ cpu, oldest: [major, minor], imports, exported }) {
  const MEMORY = 0x1000;
  const FILE = 512;
  // One section: what is put into it, at addresses that are known then.
  let section = Buffer.alloc(0);
  const put = (bytes) => {
    const at = MEMORY + section.length;
    section = Buffer.concat([section, bytes]);
    return at;
  };
  const directories = Object.entries(imports).map(([library, names]) => {
    const hints = names.map((name) => put(bytesOf([2, 0], name)));
    const table = put(bytesOf(...hints.map((at) => [8, at]), [8, 0]));
    return bytesOf([4, table], [4, 0], [4, 0], [4, put(bytesOf(library))], [4, table]);
  });
  const importsAt = put(Buffer.concat([...directories, Buffer.alloc(20)]));
  const nameTable = put(bytesOf(...exported.map((name) => put(bytesOf(name))).map((at) => [4, at])));
  const exportsAt = put(bytesOf([8, 0], [8, 0], [4, 1], [4, exported.length], [4, exported.length], [4, 0], [4, nameTable], [4, 0]));
  const optional = padded(Buffer.alloc(0), 240);
  optional.writeUInt16LE(major, 48);
  optional.writeUInt16LE(minor, 50);
  optional.writeUInt32LE(exportsAt, 112);
  optional.writeUInt32LE(importsAt, 120);
  return Buffer.concat([
    padded(Buffer.concat([
      padded(Buffer.from('MZ'), 60), bytesOf([4, 64]),
      Buffer.from('PE\0\0'), bytesOf([2, cpu === 'x64' ? 0x8664 : 0xaa64], [2, 1], [8, 0], [4, 0], [2, optional.length], [2, 0]),
      optional,
      padded(Buffer.from('.all'), 8), bytesOf([4, section.length], [4, MEMORY], [4, section.length], [4, FILE]), Buffer.alloc(16),
    ]), FILE),
    section,
  ]);
}

module.exports = { machO, pe };
