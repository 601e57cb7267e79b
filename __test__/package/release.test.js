'use strict';

// Runs the scripts that make a release, on copies.

const assert = require('node:assert');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { BINARY, ROOT, platform, run, succeed, temporary } = require('./helpers.js');
const { machO, pe } = require('./made.js');
const { glibcNeeded, newer, objdumpImports, readBinary } = require('../../scripts/release/binary.js');
const { checkNeeds } = require('../../scripts/release/needs.js');
const { bindingManifest } = require('../../scripts/release/pack.js');
const { readManifest } = require('../../scripts/release/tarball.js');
const crate = require('../../scripts/release/crate.js');
const { TARGETS, find } = require('../../scripts/targets.js');

const MANIFESTS = ['package.json', 'package-lock.json', 'Cargo.toml', 'Cargo.lock'];
const CHANGELOG = '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something.\n\n## [0.0.1] - 2020-01-01\n\n- First.\n';

function repository(t) {
  const folder = temporary(t);
  for (const name of MANIFESTS) fs.copyFileSync(path.join(ROOT, name), path.join(folder, name));
  for (const name of ['release', 'command-line.js']) fs.cpSync(path.join(ROOT, 'scripts', name), path.join(folder, 'scripts', name), { recursive: true });
  fs.writeFileSync(path.join(folder, 'CHANGELOG.md'), CHANGELOG);
  const git = (...args) => execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.org', ...args], { cwd: folder, encoding: 'utf8' });
  git('init', '--quiet');
  git('config', 'user.name', 'A');
  git('config', 'user.email', 'a@example.org');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'Before');
  return { folder, git, version: (...args) => run(process.execPath, ['scripts/release/version.js', ...args], { cwd: folder }) };
}

const skip = spawnSync('git', ['--version']).status !== 0 && 'git is not installed';

test('a version is set in every manifest and dated in the changelog, committed and tagged', { skip }, async (t) => {
  const { folder, git, version } = repository(t);
  const { code, stderr } = await version('9.8.7', '--date', '2030-02-03');
  assert.deepStrictEqual([code, stderr], [0, '']);
  const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
  assert.strictEqual(JSON.parse(read('package.json')).version, '9.8.7');
  const lock = JSON.parse(read('package-lock.json'));
  assert.deepStrictEqual([lock.version, lock.packages[''].version], ['9.8.7', '9.8.7']);
  assert.match(read('Cargo.toml'), /^\[package\]\nname = "ferrohttp"\nversion = "9\.8\.7"$/m);
  assert.match(read('Cargo.lock'), /^name = "ferrohttp"\nversion = "9\.8\.7"$/m);
  assert.strictEqual(read('CHANGELOG.md'), CHANGELOG.replace('## [Unreleased]\n', '## [Unreleased]\n\n## [9.8.7] - 2030-02-03\n'));
  assert.strictEqual(git('log', '-1', '--format=%s').trim(), '9.8.7');
  assert.strictEqual(git('describe', '--exact-match').trim(), 'v9.8.7');
  assert.strictEqual(git('status', '--porcelain'), '');
  assert.strictEqual((await version('--notes')).stdout, '### Added\n\n- Something.\n');
  // What was unreleased is released.
  assert.match((await version('9.8.8')).stderr, /^ferrohttp: CHANGELOG\.md has nothing under \[Unreleased\]\n$/);
});

test('a version is refused over uncommitted changes, and if it is none', { skip }, async (t) => {
  const { folder, version } = repository(t);
  assert.match((await version('next')).stderr, /^'next' is no version\n\nnpm run release:version -- X\.Y\.Z /);
  fs.appendFileSync(path.join(folder, 'CHANGELOG.md'), '\n');
  assert.match((await version('9.8.7')).stderr, /^ferrohttp: commit or stash /);
});

test('the binary that was built here is told to be for this system', () => {
  const { os, cpu } = find(platform);
  const found = readBinary(BINARY);
  assert.deepStrictEqual([found.os, found.cpu], [os, cpu]);
});

test('the imports of a binary are those that objdump tells', (t) => {
  const told = process.platform === 'linux' && objdumpImports(BINARY);
  if (!told) return t.skip('objdump cannot read it here');
  const { imports } = readBinary(BINARY);
  assert.ok(imports.length > 20);
  assert.deepStrictEqual(imports.map(({ name }) => name).sort(), told.map(({ name }) => name).sort());
  assert.strictEqual(glibcNeeded({ imports }), glibcNeeded({ imports: told }));
});

const ENTRY = 'napi_register_module_v1';
const SYSTEM = '/usr/lib/libSystem.B.dylib';

function needs(t, platformName, bytes) {
  const file = path.join(temporary(t), 'library');
  fs.writeFileSync(file, bytes);
  return checkNeeds(platformName, file);
}

test('a binary of macOS needs its system library only, and no newer system than Node does', (t) => {
  const good = { cpu: 'arm64', oldest: [11, 0], libraries: [SYSTEM], imports: [['kqueue', 1]], exported: [ENTRY] };
  const check = (changes) => needs(t, 'darwin-arm64', machO({ ...good, ...changes }));
  assert.strictEqual(check({}), 'macOS 11.0 and libSystem');
  assert.throws(() => check({ oldest: [12, 1] }), { message: 'the binary of darwin-arm64: it needs macOS 12.1, not 11.0' });
  assert.throws(() => check({ imports: [['kqueue', 1], ['uv_now', 254]] }), { message: /: it imports uv_now of undefined$/ });
  assert.throws(() => check({ libraries: [SYSTEM, '/opt/lib/other.dylib'], imports: [['a', 2]] }), { message: /: it needs \/opt\/lib\/other\.dylib, which macOS/ });
  assert.throws(() => check({ libraries: [SYSTEM, '/usr/lib/libz.dylib'], imports: [['a', 2]] }), { message: /: it imports a of \/usr\/lib\/libz\.dylib$/ });
  assert.throws(() => check({ exported: ['other'] }), { message: /: it does not export napi_register_module_v1$/ });
  assert.throws(() => check({ cpu: 'x64' }), { message: /: it is for darwin-x64$/ });
});

test('a binary of macOS on arm64 has a signature that holds: nothing was changed behind the linker', (t) => {
  const good = machO({ cpu: 'arm64', oldest: [11, 0], libraries: [SYSTEM], imports: [['kqueue', 1]], exported: [ENTRY] });
  const unsigned = { message: 'the binary of darwin-arm64: it has no signature that holds' };
  const broken = Buffer.from(good);
  // A byte that nothing reads: it fills the space behind the name.
  broken[broken.indexOf(SYSTEM) + SYSTEM.length + 1]++;
  assert.throws(() => needs(t, 'darwin-arm64', broken), unsigned);
  const without = Buffer.from(good);
  without.writeUInt32LE(0, without.indexOf(Buffer.from([0x1d, 0, 0, 0, 16, 0, 0, 0])));
  assert.throws(() => needs(t, 'darwin-arm64', without), unsigned);
});

test('a binary of Windows needs what Windows has, and no newer one than Node does', (t) => {
  const good = { cpu: 'x64', oldest: [6, 2], imports: { 'KERNEL32.dll': ['ReadFile', 'WriteFile'], 'ntdll.dll': ['NtWriteFile'] }, exported: [ENTRY] };
  const check = (changes) => needs(t, 'win32-x64-msvc', pe({ ...good, ...changes }));
  assert.strictEqual(check({}), 'Windows 10.0 and of its libraries kernel32.dll, ntdll.dll');
  assert.throws(() => check({ oldest: [10, 1] }), { message: 'the binary of win32-x64-msvc: it needs Windows 10.1, not 10.0' });
  assert.throws(() => check({ imports: { 'libnode.dll': ['napi_throw'] } }), { message: /: it needs libnode\.dll, which Windows does not have$/ });
  assert.throws(() => check({ exported: [] }), { message: /: it does not export napi_register_module_v1$/ });
  assert.throws(() => check({ cpu: 'arm64' }), { message: /: it is for win32-arm64$/ });
});

test('the workflows name what is there: commands, platforms, fuzz targets', () => {
  const folder = path.join(ROOT, '.github/workflows');
  const workflows = new Map(fs.readdirSync(folder).map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]));
  const { scripts } = require('../../package.json');
  for (const [name, text] of workflows) {
    for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g)) assert.ok(Object.hasOwn(scripts, script), `${name}: ${script}`);
    for (const [, file] of text.matchAll(/node (scripts\/\S+)/g)) assert.ok(fs.existsSync(path.join(ROOT, file)), `${name}: ${file}`);
  }
  const built = [...workflows.get('build.yml').matchAll(/platform: ([\w-]+), runner: \S+, target: ([\w-]+)/g)];
  assert.deepStrictEqual(built.map(([, name, rust]) => ({ platform: name, rust })), TARGETS.map(({ platform: name, rust }) => ({ platform: name, rust })));
  const manifest = fs.readFileSync(path.join(ROOT, 'crates/h1/fuzz/Cargo.toml'), 'utf8');
  const targets = [...manifest.matchAll(/^\[\[bin\]\]\nname = "(.*)"/gm)].map(([, name]) => name);
  const [, fuzzed] = /target: \[(.*)\]/.exec(workflows.get('fuzz.yml'));
  assert.deepStrictEqual(fuzzed.split(', ').sort(), targets.sort());
});

test('versions are compared by number', () => {
  assert.deepStrictEqual([newer('2.28', '2.17'), newer('2.9', '2.17'), newer('2.17', '2.17'), newer('2.17.1', '2.17')], [true, false, false, true]);
});

test('the crates of the source package build by their lock file', async (t) => {
  if (spawnSync('cargo', ['--version']).status !== 0) return t.skip('cargo is not installed');
  const { unpack } = require('./helpers.js');
  const source = await unpack(temporary(t), '@ferrohttp/source');
  const said = await succeed('cargo', ['metadata', '--locked', '--offline', '--format-version', '1'], { cwd: source });
  const { packages } = JSON.parse(said);
  assert.deepStrictEqual(packages.filter(({ name }) => /criterion|proptest/.test(name)), []);
});

test('a manifest of the source package has no development dependencies, and the lock file what is needed', () => {
  const toml = '[package]\nname = "a"\n\n[dependencies]\nb = "1"\n\n[dev-dependencies]\nb = "1"\nc = "1"\n\n[[bench]]\nname = "x"\n\n[workspace]\nmembers = [".", "d"]\n';
  assert.strictEqual(crate.manifest(toml, ['.']), '[package]\nname = "a"\n\n[dependencies]\nb = "1"\n\n[workspace]\nmembers = ["."]\n\n');
  const entry = (name, ...needs) => `[[package]]\nname = "${name}"\nversion = "1.0.0"\n${
    needs.length > 0 ? `dependencies = [\n${needs.map((need) => ` "${need}",\n`).join('')}]\n` : ''}`;
  const lock = `version = 4\n\n${[entry('a', 'b', 'c'), entry('b', 'e'), entry('c', 'f'), entry('e'), entry('f')].join('\n')}`;
  assert.strictEqual(crate.lock(lock, { a: toml }), `version = 4\n\n${[entry('a', 'b'), entry('b', 'e'), entry('e')].join('\n')}`);
});

test('each platform that is published has a Rust target, and is found by both names', () => {
  for (const target of TARGETS) {
    assert.strictEqual(find(target.platform), target);
    assert.strictEqual(find(target.rust), target);
  }
});

const foreign = process.env.FERROHTTP_TEST_FOREIGN && 'npm is of the system outside';

test('a placeholder has the name of each package that is published, and no code', { skip: foreign }, async (t) => {
  const out = temporary(t);
  await succeed(process.execPath, ['scripts/release/pack.js', '--placeholders', '--out', out, '--repository', 'https://example.org/a/b']);
  const manifests = fs.readdirSync(out).map((file) => readManifest(fs.readFileSync(path.join(out, file))));
  const published = ['ferrohttp', '@ferrohttp/source', ...TARGETS.map((target) => bindingManifest(target).name)];
  assert.deepStrictEqual(manifests.map(({ name }) => name).sort(), published.sort());
  for (const { version, main, repository } of manifests) {
    assert.deepStrictEqual([version, main, repository.url], ['0.0.0', undefined, 'git+https://example.org/a/b.git']);
  }
});
