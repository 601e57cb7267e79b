'use strict';

// A process that exports no libuv to addons, as an Electron may be: a copy of this Node whose symbols have other names.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');
const { SERVES, program } = require('./support/two-answers.js');

const SHT_DYNSYM = 11;

/** Renames the dynamic symbols of an ELF file of 64 bits that begin with a text; returns how many. */
function hide(file, prefix) {
  const bytes = fs.readFileSync(file);
  const sections = Number(bytes.readBigUInt64LE(40));
  const size = bytes.readUInt16LE(58);
  const section = (i) => {
    const at = sections + i * size;
    return {
      type: bytes.readUInt32LE(at + 4),
      start: Number(bytes.readBigUInt64LE(at + 24)),
      length: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
    };
  };
  const symbols = Array.from({ length: bytes.readUInt16LE(60) }, (_, i) => section(i)).find(({ type }) => type === SHT_DYNSYM);
  const names = section(symbols.link).start;
  let hidden = 0;
  for (let at = symbols.start; at < symbols.start + symbols.length; at += 24) {
    const name = names + bytes.readUInt32LE(at);
    if (bytes.toString('latin1', name, name + prefix.length) !== prefix) continue;
    bytes.write('X', name);
    hidden++;
  }
  fs.writeFileSync(file, bytes);
  return hidden;
}

function isElf(file) {
  const head = Buffer.alloc(4);
  const fd = fs.openSync(file, 'r');
  fs.readSync(fd, head, 0, 4, 0);
  fs.closeSync(fd);
  return head.readUInt32BE(0) === 0x7f454c46;
}

test('without libuv it runs at level sockets, and says why once', { skip: !isElf(process.execPath) && 'Node is no ELF file' }, (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-libuv-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const node = path.join(folder, 'node');
  fs.copyFileSync(fs.realpathSync(process.execPath), node);
  fs.chmodSync(node, 0o755);
  assert.ok(hide(node, 'uv_') > 100);
  // Its libraries may be found by where it lies.
  const folders = process.report.getReport().sharedObjects.filter((file) => path.isAbsolute(file)).map((file) => path.dirname(file));
  const env = { ...process.env, LD_LIBRARY_PATH: [...new Set(folders)].join(path.delimiter) };
  const { stdout, stderr, status } = spawnSync(node, ['-e', program()], { encoding: 'utf8', env });
  assert.strictEqual(status, 0, stderr);
  assert.deepStrictEqual(JSON.parse(stdout), { level: 'sockets', ...SERVES });
  assert.strictEqual(stderr.match(/\[FERROHTTP_HOST\] Warning: .*level 'sockets': this process does not export libuv/g)?.length, 1, stderr);
});
