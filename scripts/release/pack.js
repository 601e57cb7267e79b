'use strict';

// Makes the tarballs that are published: ferrohttp (JavaScript, bundled, and types), a package with the
// binary for each platform, and @ferrohttp/source (what `npx ferrohttp build` compiles).

const fs = require('node:fs');
const path = require('node:path');
const build = require('../build.js');
const commandLine = require('../command-line.js');
const { TARGETS, find } = require('../targets.js');
const { readBinary } = require('./binary.js');
const { bundle } = require('./bundle.js');
const crate = require('./crate.js');
const { Failure, main, run } = require('./run.js');
const { platform: host, binaryName } = require('../../lib/platform.js');

const ROOT = path.join(__dirname, '../..');
const DIST = path.join(ROOT, 'dist');

const USAGE = `npm run release:pack -- [options]
  makes the tarballs that are published
  --binaries FOLDER  where the binaries are, dist/binaries by default, where npm run cross puts them. If there is
                     none for this machine, its binary comes from the clone
  --out FOLDER       where the tarballs go, dist/packages by default; what is there is removed
  --all              a missing binary is an error
  --repository URL   goes into the manifests; publishing with provenance needs it
  --placeholders     makes an empty package 0.0.0 of each name instead: RELEASING.md says what it is for`;

const manifest = require('../../package.json');

const SOURCE = '@ferrohttp/source';
const packageName = (platform) => `@ferrohttp/binding-${platform}`;

// ---- What goes into each package ------------------------------------------------------------------

const COMMON = { version: manifest.version, license: manifest.license };

// The entries of the repository's manifest that are for development are left out. The optional
// dependencies are added only here, so that `npm install` in a clone needs no package that is not
// published yet.
function mainPackage() {
  const { name, description, keywords, main: entry, types, exports, bin, files, engines } = manifest;
  const optionalDependencies = Object.fromEntries(TARGETS.map(({ platform }) => [packageName(platform), manifest.version]));
  return {
    manifest: { name, ...COMMON, description, keywords, main: entry, types, exports, bin, files, engines, optionalDependencies },
    copy: [...files, 'README.md', 'LICENSE'],
    arrange: bundle,
  };
}

function bindingManifest({ platform, os, cpu, libc }) {
  const name = binaryName(platform);
  return {
    name: packageName(platform),
    ...COMMON,
    description: `The binary of ferrohttp for ${platform}`,
    main: name,
    files: [name],
    engines: manifest.engines,
    os: [os],
    cpu: [cpu],
    ...(libc && { libc: [libc] }),
    // Without this, Yarn keeps the binary in an archive, from which the system cannot load it.
    preferUnplugged: true,
    publishConfig: { access: 'public' },
  };
}

function bindingPackage(target, file) {
  return {
    manifest: bindingManifest(target),
    copy: ['LICENSE'],
    write: { 'README.md': `The binary of ferrohttp for ${target.platform}. Install \`ferrohttp\`, which depends on it.\n` },
    place: { [binaryName(target.platform)]: file },
  };
}

function sourcePackage() {
  const files = build.sources();
  const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');
  const folders = files.filter((name) => path.basename(name) === 'Cargo.toml').map((name) => path.dirname(name));
  const tomls = folders.map((folder) => read(path.join(folder, 'Cargo.toml')));
  const names = tomls.map((toml) => /^name = "(.*)"/m.exec(toml)[1]);
  const reduced = folders.map((folder, i) => [path.join(folder, 'Cargo.toml'), crate.manifest(tomls[i], folders)]);
  return {
    manifest: {
      name: SOURCE,
      ...COMMON,
      description: 'The Rust sources of ferrohttp, for `npx ferrohttp build`',
      files,
      publishConfig: { access: 'public' },
    },
    copy: [...files, 'LICENSE'],
    write: {
      ...Object.fromEntries(reduced),
      'Cargo.lock': crate.lock(read('Cargo.lock'), Object.fromEntries(names.map((name, i) => [name, tomls[i]]))),
      'README.md': 'The Rust sources of ferrohttp, which `npx ferrohttp build` compiles. Install `ferrohttp` instead.\n',
    },
  };
}

// ---- Packing --------------------------------------------------------------------------------------

function checkVersions() {
  const read = (name) => fs.readFileSync(path.join(ROOT, name), 'utf8');
  const declared = /^version = "(.*)"/m.exec(read('Cargo.toml'))[1];
  const locked = /^name = "ferrohttp"\nversion = "(.*)"/m.exec(read('Cargo.lock'))[1];
  for (const [name, version] of [['Cargo.toml', declared], ['Cargo.lock', locked]]) {
    if (version !== manifest.version) throw new Failure(`${name} has version ${version}, package.json ${manifest.version}`);
  }
}

function checkBinary({ platform, os, cpu, libc }, file) {
  const found = readBinary(file);
  if (found.os !== os || found.cpu !== cpu) {
    throw new Failure(`${file} is for ${found.os}-${found.cpu}, not for ${platform}`);
  }
  // A binary for glibc names libc.so.6. A binary for musl names libc.so, or no C library.
  if (libc && found.libraries.includes('libc.so.6') !== (libc === 'glibc')) {
    throw new Failure(`${file} is not for the C library of ${platform}: it needs ${found.libraries.join(', ')}`);
  }
}

/** The binaries in a folder, by platform. If this machine's is not among them, it is taken from the clone. */
function findBinaries(folder) {
  const found = {};
  for (const target of TARGETS) {
    const file = path.join(folder, binaryName(target.platform));
    if (fs.existsSync(file)) found[target.platform] = file;
  }
  if (found[host] === undefined && fs.existsSync(build.BINARY)) found[host] = build.BINARY;
  return found;
}

function stage(folder, { manifest: own, copy, write = {}, place = {}, arrange }, repository) {
  for (const name of copy) {
    fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
  for (const [name, file] of Object.entries(place)) fs.copyFileSync(file, path.join(folder, name));
  for (const [name, content] of Object.entries(write)) fs.writeFileSync(path.join(folder, name), content);
  arrange?.(folder);
  const complete = repository ? { ...own, repository: { type: 'git', url: `git+${repository}.git` } } : own;
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(complete, null, 2)}\n`);
}

/** Puts the packages that this machine needs into a folder, as an installation does. Returns the path of ferrohttp. */
function install(folder) {
  for (const content of [mainPackage(), bindingPackage(find(host), build.BINARY)]) {
    const own = path.join(folder, 'node_modules', content.manifest.name);
    fs.mkdirSync(own, { recursive: true });
    stage(own, content);
  }
  return path.join(folder, 'node_modules', manifest.name);
}

function placeholder(name) {
  const description = 'A placeholder: the name is taken for ferrohttp, and later versions have the package';
  return { manifest: { name, version: '0.0.0', license: manifest.license, description }, copy: ['LICENSE'] };
}

function placeholders() {
  return [manifest.name, SOURCE, ...TARGETS.map(({ platform }) => packageName(platform))].map(placeholder);
}

/** Packs everything; returns the paths of the tarballs. */
async function pack({ binaries, out, repository }) {
  checkVersions();
  const packages = [mainPackage(), sourcePackage()];
  for (const target of TARGETS) {
    const file = binaries[target.platform];
    if (file === undefined) continue;
    checkBinary(target, file);
    packages.push(bindingPackage(target, file));
  }
  return write(packages, out, repository);
}

async function write(packages, out, repository) {
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(out, { recursive: true });
  const staging = fs.mkdtempSync(path.join(out, 'staging-'));
  const folders = packages.map((content, i) => {
    const folder = path.join(staging, String(i));
    fs.mkdirSync(folder);
    stage(folder, content, repository);
    return folder;
  });
  const said = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', out, ...folders]);
  fs.rmSync(staging, { recursive: true });
  return said.trim().split('\n').map((name) => path.join(out, path.basename(name)));
}

async function packFromCommandLine() {
  const { values: options } = commandLine(USAGE, {
    binaries: { type: 'path', default: path.join(DIST, 'binaries') },
    out: { type: 'string', default: path.join(DIST, 'packages') },
    all: { type: 'boolean' },
    repository: { type: 'string' },
    placeholders: { type: 'boolean' },
  });
  const out = path.resolve(options.out);
  const told = (files) => files.forEach((file) => {
    console.log(`${(fs.statSync(file).size / 1000).toFixed(1).padStart(8)} kB  ${path.relative(ROOT, file)}`);
  });
  if (options.placeholders) return told(await write(placeholders(), out, options.repository));
  const binaries = findBinaries(options.binaries);
  const missing = TARGETS.filter(({ platform }) => binaries[platform] === undefined).map(({ platform }) => platform);
  if (missing.length > 0 && options.all) throw new Failure(`there is no binary for ${missing.join(', ')}`);
  told(await pack({ binaries, out, repository: options.repository }));
  if (missing.length > 0) console.log(`There is no binary for ${missing.join(', ')}: npm run cross -- PLATFORM builds one.`);
}

module.exports = { DIST, bindingManifest, install, pack, packageName };

if (require.main === module) main(packFromCommandLine);
