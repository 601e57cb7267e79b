'use strict';

// The packages that are published, laid out as a package manager does; what `require` says where no binary fits; and
// `npx ferrohttp build`. `npm run release:check` installs them with real package managers.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const {
  BINARY, ROOT, WORK, packages, pathWithoutCargo, platform, run, succeed, temporary, unpack,
} = require('./helpers.js');
const { PREBUILT } = require('../../lib/platform.js');
const { loadPrebuilt } = require('../../lib/prebuilt.js');
const { sources } = require('../../scripts/build.js');
const { TARGETS } = require('../../scripts/targets.js');
const { version } = require('../../package.json');

const node = process.execPath;
const BINDING = `@ferrohttp/binding-${platform}`;
const REQUIRE = "try { require('ferrohttp') } catch (error) { console.log(JSON.stringify([error.code, error.message])) }";

async function requireError(dir, options = [], env = {}) {
  const said = await succeed(node, [...options, '-e', REQUIRE], { cwd: dir, env });
  assert.notStrictEqual(said, '', 'require threw no error');
  const [code, message] = JSON.parse(said);
  assert.strictEqual(code, 'ERR_FERROHTTP_NO_BINARY');
  assert.ok(!message.includes('\n'), message);
  return message;
}

// Not by fetch(), which reaches no server under Wine.
const SERVE = `
  const server = createServer((req, res) => res.end('served ' + req.url));
  server.listen(0, () => {
    get({ port: server.address().port, path: '/it', agent: false }, (res) => {
      res.on('data', (text) => console.log(String(text)));
      server.close();
    });
  });`;
const REQUIRED = `const { get } = require('node:http'); const { createServer } = require('ferrohttp'); ${SERVE}`;
const IMPORTED = `import { get } from 'node:http'; import { createServer } from 'ferrohttp'; ${SERVE}`;

// ---- What is published ----------------------------------------------------------------------------

test('the main package is JavaScript, types and pages, without scripts, and depends on each binary', async (t) => {
  const target = await unpack(temporary(t));
  assert.deepStrictEqual(fs.readdirSync(target).sort(),
    ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'docs', 'entry', 'index.d.ts', 'index.js', 'lib', 'package.json']);
  const manifest = JSON.parse(fs.readFileSync(path.join(target, 'package.json'), 'utf8'));
  assert.strictEqual(manifest.scripts, undefined);
  assert.strictEqual(manifest.devDependencies, undefined);
  assert.deepStrictEqual(manifest.optionalDependencies,
    Object.fromEntries(PREBUILT.map((name) => [`@ferrohttp/binding-${name}`, version])));
  for (const [, name] of JSON.stringify([manifest.exports, manifest.bin]).matchAll(/"\.\/([^"]+\.\w+)"/g)) {
    assert.ok(fs.existsSync(path.join(target, name)), name);
  }
});

test('the main package is below 200 kB, and what is installed below 2.5 MB', async (t) => {
  const folder = await packages();
  assert.ok(fs.statSync(path.join(folder, `ferrohttp-${version}.tgz`)).size < 200_000);
  const dir = temporary(t);
  await unpack(dir);
  await unpack(dir, BINDING);
  const files = fs.readdirSync(dir, { recursive: true }).map((name) => fs.statSync(path.join(dir, name)));
  assert.ok(files.filter((file) => file.isFile()).reduce((sum, { size }) => sum + size, 0) < 2_500_000);
});

test('a package of a binary names the systems that it is for', async (t) => {
  const target = await unpack(temporary(t), BINDING);
  const { os, cpu, libc, main } = JSON.parse(fs.readFileSync(path.join(target, 'package.json'), 'utf8'));
  assert.deepStrictEqual([os, cpu], [[process.platform], [process.arch]]);
  if (process.platform === 'linux') assert.deepStrictEqual(libc, [platform.endsWith('musl') ? 'musl' : 'glibc']);
  assert.ok(fs.existsSync(path.join(target, main)));
});

test('the loader names the package of each platform that is published', () => {
  assert.deepStrictEqual(TARGETS.map((target) => target.platform), PREBUILT);
  for (const name of PREBUILT) {
    const { error } = loadPrebuilt(name);
    assert.match(error.message, new RegExp(`^Cannot find module '@ferrohttp/binding-${name}'`));
  }
  assert.deepStrictEqual(loadPrebuilt('aix-ppc64'), {});
});

test('the installed packages serve, required and imported, and run no cargo', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  await unpack(dir, BINDING);
  const options = { cwd: dir, env: { PATH: pathWithoutCargo(t) } };
  assert.strictEqual(await succeed(node, ['-e', REQUIRED], options), 'served /it\n');
  assert.strictEqual(await succeed(node, ['--input-type=module', '-e', IMPORTED], options), 'served /it\n');
});

test('what is installed serves where nothing can be written', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  await unpack(dir, BINDING);
  for (const name of ['', ...fs.readdirSync(dir, { recursive: true })]) fs.chmodSync(path.join(dir, name), 0o555);
  const env = { TMPDIR: '/nonexistent', HOME: '/nonexistent' };
  // Root may write everywhere.
  const program = `if (process.getuid?.() === 0) process.setuid(65534);
    if (process.getuid) require('assert').throws(() => require('fs').writeFileSync('file', ''), { code: 'EACCES' });
    ${REQUIRED}`;
  assert.strictEqual(await succeed(node, ['-e', program], { cwd: dir, env }), 'served /it\n');
});

// ---- Without a usable binary ----------------------------------------------------------------------

test('a missing package is named, with both ways out', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  const message = await requireError(dir);
  assert.match(message, new RegExp(`${BINDING} is not installed.*--omit=optional.*npx ferrohttp build`));
});

test('a system that nothing is published for is told to build', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  const other = path.join(dir, 'other.js');
  fs.writeFileSync(other, "Object.defineProperty(process, 'arch', { value: 'riscv64' });");
  assert.match(await requireError(dir, ['-r', other]), /none is published for \w+-riscv64.*npx ferrohttp build/);
});

test('a package whose binary does not load is named with the loader\'s words', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  fs.writeFileSync(path.join(await unpack(dir, BINDING), path.basename(BINARY)), 'not a library');
  assert.match(await requireError(dir), new RegExp(`${BINDING} does not load \\(.+\\).*npx ferrohttp build`));
});

test('a file that does not load is named with the loader\'s words', async (t) => {
  const dir = temporary(t);
  const target = await unpack(dir);
  fs.writeFileSync(path.join(target, path.basename(BINARY)), 'not a library');
  const message = await requireError(dir);
  assert.ok(message.includes(path.basename(BINARY)), message);
  assert.match(message, /does not load \(.+\).*npx ferrohttp build/);
});

test('FERROHTTP_BINARY names the file, and an error says so', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  const named = path.join(dir, 'named.node');
  fs.copyFileSync(BINARY, named);
  assert.strictEqual(await succeed(node, ['-e', REQUIRED], { cwd: dir, env: { FERROHTTP_BINARY: named } }), 'served /it\n');
  const absent = path.join(dir, 'absent.node');
  assert.match(await requireError(dir, [], { FERROHTTP_BINARY: absent }), /absent\.node, which FERROHTTP_BINARY names, does not load/);
});

const flag = (name) => (process.allowedNodeEnvironmentFlags.has(name) ? [name] : []);
// Early releases of Node 20 have a permission model without it, in which addons load.
const ADDONS = flag('--allow-addons');
const PERMISSION = flag('--permission').length > 0 ? flag('--permission') : ['--experimental-permission'];

test('with addons allowed, a server runs under the permission model', async () => {
  const allowed = ['--allow-fs-read=*', ...ADDONS, ...flag('--allow-net')];
  assert.strictEqual(await succeed(node, [...PERMISSION, ...allowed, '-e', REQUIRED]), 'served /it\n');
});

test('with only the package readable, a server runs under the permission model', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  await unpack(dir, BINDING);
  const allowed = [`--allow-fs-read=${dir}${path.sep}*`, ...ADDONS, ...flag('--allow-net')];
  fs.writeFileSync(path.join(dir, 'app.js'), REQUIRED);
  assert.strictEqual(await succeed(node, [...PERMISSION, ...allowed, 'app.js'], { cwd: dir }), 'served /it\n');
});

test('a process that may not load addons is told which option allows them', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  await unpack(dir, BINDING);
  assert.match(await requireError(dir, [...PERMISSION, '--allow-fs-read=*']), /--allow-addons/);
  assert.match(await requireError(dir, ['--no-addons']), /--no-addons/);
});

// ---- npx ferrohttp build --------------------------------------------------------------------------

const command = (target, args, env) => run(node, [path.join(target, 'bin/ferrohttp.js'), ...args], { cwd: target, env });

// Offline, with what the clone's own build left.
const CARGO = { CARGO_TARGET_DIR: path.join(ROOT, 'target'), CARGO_NET_OFFLINE: 'true' };

const foreign = process.env.FERROHTTP_TEST_FOREIGN && 'cargo builds for the system outside';

test('`ferrohttp build` compiles the source package and puts the binary where it is found', { skip: foreign }, async (t) => {
  const dir = temporary(t);
  const target = await unpack(dir);
  // In one place from run to run: cargo compiles nothing that it has compiled there.
  const source = await unpack(path.join(WORK, 'source'), '@ferrohttp/source');
  const built = await command(target, ['build', '--from', source], CARGO);
  assert.strictEqual(built.code, 0, built.stderr);
  assert.match(built.stdout, /^ferrohttp: built .*\.node for .*\n$/);
  assert.strictEqual(await succeed(node, ['-e', REQUIRED], { cwd: dir }), 'served /it\n');
});

test('`ferrohttp build` without cargo says so in one line', async (t) => {
  const target = await unpack(temporary(t));
  const { code, stdout, stderr } = await command(target, ['build'], { PATH: pathWithoutCargo(t) });
  assert.deepStrictEqual([code, stdout], [1, '']);
  assert.match(stderr, /^ferrohttp build: cargo was not found: install Rust .*\n$/);
});

test('`ferrohttp` lists its commands, and refuses others', async () => {
  const listed = await command(ROOT, []);
  assert.strictEqual(listed.code, 0);
  assert.match(listed.stdout, /^Usage: ferrohttp COMMAND .*\n {2}build /s);
  const refused = await command(ROOT, ['nothing']);
  assert.strictEqual(refused.code, 2);
  assert.match(refused.stderr, /^ferrohttp: there is no command nothing\n/);
});

// ---- In a clone -----------------------------------------------------------------------------------

/** A copy of the sources, and its command that builds; without cargo it can only say that it has to. */
function clone(t) {
  const folder = temporary(t);
  for (const name of [...sources(), 'package.json', 'bin', 'lib', 'scripts']) {
    fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
  const env = { PATH: pathWithoutCargo(t) };
  return { folder, build: (...args) => run(node, ['scripts/build.js', ...args], { cwd: folder, env }) };
}

const NOTHING_DONE = { code: 0, signal: null, stdout: '', stderr: '' };

test('a binary is rebuilt that is of older sources, and no other', async (t) => {
  const { folder, build } = clone(t);
  assert.match((await build('--if-stale')).stderr, /cargo was not found/);
  assert.deepStrictEqual(await build('--use', BINARY), NOTHING_DONE);
  assert.deepStrictEqual(await build('--if-stale'), NOTHING_DONE);
  fs.appendFileSync(path.join(folder, 'src/lib.rs'), '\n');
  assert.match((await build('--if-stale')).stderr, /cargo was not found/);
});

test('a binary is rebuilt that another one has replaced', async (t) => {
  const { folder, build } = clone(t);
  assert.deepStrictEqual(await build('--use', BINARY), NOTHING_DONE);
  fs.appendFileSync(path.join(folder, path.basename(BINARY)), '\n');
  assert.match((await build('--if-stale')).stderr, /cargo was not found/);
});

test('a clone is not published by accident', async () => {
  const { code, stderr } = await run(node, ['scripts/release/refuse.js']);
  assert.deepStrictEqual([code, stderr.includes('release:pack')], [1, true]);
});
