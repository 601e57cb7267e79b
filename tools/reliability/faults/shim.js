'use strict';

// Compiles the shim, and controls it through a shared file.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const SOURCE = path.join(__dirname, 'shim.c');

/** The names of the faults, in the order of the shim's counters. */
const NAMES = [...fs.readFileSync(SOURCE, 'utf8').matchAll(/^ {2}\{"([\w.]+)", /gm)].map(([, name]) => name);

/** A part of the addon's path. */
const ADDON = `/ferrohttp.${process.platform}-${process.arch}`;

const SIZE = 4096;
/** What a C compiler calls the processors of Node. */
const PROCESSORS = { x64: 'x86_64', arm64: 'aarch64' };

/** Offsets in the shared file, in units of four bytes. */
const ON = 0, CALLS = 1, NTH = 2, COUNTS = 4;

/** The reason why the shim cannot be used here; undefined if it can. */
function missing() {
  if (process.platform !== 'linux') return 'the shim is for Linux';
  const { status, stdout: target } = spawnSync('cc', ['-dumpmachine'], { encoding: 'utf8' });
  if (status !== 0) return 'there is no C compiler (cc): install gcc or clang, e.g. the package build-essential';
  if (!target.startsWith(PROCESSORS[process.arch] ?? process.arch)) return `the C compiler (cc) makes libraries for ${target.trim()}`;
  return undefined;
}

class Shim {
  /** `chances` by name, in millionths. `everybody`: not only the addon's calls. */
  constructor({ chances = {}, seed = 1, everybody = false }) {
    for (const name of Object.keys(chances)) {
      if (!NAMES.includes(name)) throw new Error(`there is no fault '${name}'`);
    }
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-faults-'));
    const library = path.join(this.folder, 'shim.so');
    const built = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl', '-lpthread'],
      { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`cc: ${built.stderr}`);
    this.file = path.join(this.folder, 'state');
    fs.writeFileSync(this.file, Buffer.alloc(SIZE));
    this.env = {
      LD_PRELOAD: library,
      FAULTS: Object.entries(chances).map(([name, chance]) => `${name}=${chance}`).join(','),
      FAULTS_SEED: String(seed),
      FAULTS_CALLER: everybody ? '' : ADDON,
      FAULTS_STATE: this.file,
    };
  }

  put(place, number) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(number);
    const file = fs.openSync(this.file, 'r+');
    fs.writeSync(file, bytes, 0, 4, place * 4);
    fs.closeSync(file);
  }

  get(place) {
    return fs.readFileSync(this.file).readUInt32LE(place * 4);
  }

  /** Starts the faults. */
  on() {
    this.put(CALLS, 0);
    this.put(ON, 1);
  }

  off() { this.put(ON, 0); }
  /** Makes only the call with this number, counted from `on`, fail. */
  only(number) { this.put(NTH, number); }

  /** The faults so far by name. Faults that did not occur are left out. */
  counts() {
    return Object.fromEntries(NAMES.map((name, i) => [name, this.get(COUNTS + i)]).filter(([, count]) => count > 0));
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { NAMES, Shim, missing };
