'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { ROOT, WORK, builtBinary, pack, pathWithoutCargo, run, succeed, temporary, unpack } = require('./helpers.js');

const node = process.execPath;
const REQUIRE = "try { require('ferrohttp') } catch (error) { console.log(JSON.stringify([error.code, error.message])) }";

async function requireError(dir, options = []) {
  const said = await succeed(node, [...options, '-e', REQUIRE], { cwd: dir });
  assert.notStrictEqual(said, '', 'require threw no error');
  const [code, message] = JSON.parse(said);
  assert.strictEqual(code, 'ERR_FERROHTTP_NO_BINARY');
  return message;
}

function install(target, env) {
  return run(node, ['scripts/install.js'], { cwd: target, env });
}

// ---- As a dependency ----------------------------------------------------------------------------

const SERVE = `
  const server = createServer((req, res) => res.end('served ' + req.url));
  server.listen(0, async () => {
    const reply = await fetch('http://localhost:' + server.address().port + '/it');
    console.log(await reply.text());
    server.close();
    server.closeIdleConnections();
  });`;

test('the packed package builds in an empty project without a network, and serves', async () => {
  const { tarball, hash } = await pack();
  const project = path.join(WORK, 'project');
  const installed = path.join(project, 'installed');
  // One build for each package content: the runs on other Nodes use it as it is.
  if (!fs.existsSync(installed) || fs.readFileSync(installed, 'utf8') !== hash) {
    fs.rmSync(project, { recursive: true, force: true });
    fs.mkdirSync(project, { recursive: true });
    fs.writeFileSync(path.join(project, 'package.json'), '{"private":true}');
    await succeed('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], {
      cwd: project,
      env: { CARGO_TARGET_DIR: path.join(ROOT, 'target'), CARGO_NET_OFFLINE: 'true' },
    });
    fs.writeFileSync(installed, hash);
  }
  assert.ok(fs.existsSync(path.join(project, 'node_modules/ferrohttp', builtBinary())));
  assert.ok(!fs.existsSync(path.join(project, 'node_modules/ferrohttp/target')), 'cargo left its work behind');
  const required = `const { createServer } = require('ferrohttp'); ${SERVE}`;
  assert.strictEqual(await succeed(node, ['-e', required], { cwd: project }), 'served /it\n');
  const imported = `import { createServer } from 'ferrohttp'; ${SERVE}`;
  assert.strictEqual(await succeed(node, ['--input-type=module', '-e', imported], { cwd: project }), 'served /it\n');
});

test('the package holds what it needs to build, and nothing of the tests', async (t) => {
  const target = await unpack(temporary(t));
  const names = fs.readdirSync(target);
  for (const name of ['binding.js', 'binding.d.ts', 'index.js', 'index.d.ts', 'entry', 'lib', 'src',
    'scripts', 'build.rs', 'Cargo.toml', 'Cargo.lock', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    assert.ok(names.includes(name), name);
  }
  assert.ok(!names.includes('__test__'));
  assert.deepStrictEqual(names.filter((name) => name.endsWith('.node')), []);
});

test('a prebuilt package is used, and cargo is not asked', async (t) => {
  const dir = temporary(t);
  const target = await unpack(dir);
  const platform = builtBinary().split('.')[1];
  const prebuilt = path.join(dir, 'node_modules/@ferrohttp', `binding-${platform}`);
  fs.mkdirSync(prebuilt, { recursive: true });
  fs.writeFileSync(path.join(prebuilt, 'package.json'),
    JSON.stringify({ name: `@ferrohttp/binding-${platform}`, version: '0.1.0', main: builtBinary() }));
  fs.copyFileSync(path.join(ROOT, builtBinary()), path.join(prebuilt, builtBinary()));
  const result = await install(target, { PATH: pathWithoutCargo(t) });
  assert.deepStrictEqual(result, { code: 0, signal: null, stdout: '', stderr: '' });
  assert.strictEqual(await succeed(node, ['-e', "console.log(typeof require('ferrohttp').createServer)"], { cwd: dir }),
    'function\n');
});

test('without cargo the installation succeeds with one line, and require says what to do', async (t) => {
  const dir = temporary(t);
  const target = await unpack(dir);
  const { code, stdout, stderr } = await install(target, { PATH: pathWithoutCargo(t) });
  assert.strictEqual(code, 0);
  assert.match(stdout + stderr, /^ferrohttp: .*cargo was not found.*\n$/);
  assert.match(await requireError(dir), /cargo was not found.*npm rebuild ferrohttp/);
});

test('sources that do not compile are reported by their first error', async (t) => {
  const dir = temporary(t);
  const target = await unpack(dir);
  fs.writeFileSync(path.join(target, 'src/lib.rs'), 'fn broken( {}');
  const { code, stdout, stderr } = await install(target, {
    CARGO_TARGET_DIR: path.join(ROOT, 'target'), CARGO_NET_OFFLINE: 'true',
  });
  assert.strictEqual(code, 0);
  assert.match(stdout + stderr, /^ferrohttp: no binary was built \(error.*\n$/);
  assert.match(await requireError(dir), /could not build one \(error/);
});

// ---- Without a usable binary ----------------------------------------------------------------------

test('a blocked install script is named by require', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  assert.match(await requireError(dir), /install script did not run.*install-scripts approve.*npm rebuild ferrohttp.*cargo/);
});

const flag = (name) => (process.allowedNodeEnvironmentFlags.has(name) ? [name] : []);
const PERMISSION = flag('--permission').length > 0 ? flag('--permission') : ['--experimental-permission'];

test('with addons allowed, a server runs under the permission model', async () => {
  const allowed = ['--allow-fs-read=*', '--allow-addons', ...flag('--allow-net')];
  const program = `const { createServer } = require('ferrohttp'); ${SERVE}`;
  assert.strictEqual(await succeed(node, [...PERMISSION, ...allowed, '-e', program]), 'served /it\n');
});

test('a process that may not load addons is told which option allows them', async (t) => {
  const dir = temporary(t);
  fs.copyFileSync(path.join(ROOT, builtBinary()), path.join(await unpack(dir), builtBinary()));
  assert.match(await requireError(dir, [...PERMISSION, '--allow-fs-read=*']), /--allow-addons/);
  assert.match(await requireError(dir, ['--no-addons']), /--no-addons/);
});

test('a binary that does not load is named with the loader\'s words', async (t) => {
  const dir = temporary(t);
  fs.writeFileSync(path.join(await unpack(dir), builtBinary()), 'not a library');
  const message = await requireError(dir);
  assert.ok(message.includes(builtBinary()), message);
  assert.match(message, /does not load \(.+\).*npm rebuild ferrohttp/s);
});

// ---- In a clone -----------------------------------------------------------------------------------

test('a binary that is up to date is not rebuilt', async (t) => {
  const result = await install(ROOT, { PATH: pathWithoutCargo(t) });
  assert.deepStrictEqual(result, { code: 0, signal: null, stdout: '', stderr: '' });
});

test('a binary of older sources is rebuilt', async (t) => {
  const target = await unpack(temporary(t));
  for (const name of [builtBinary(), '.build.json']) fs.copyFileSync(path.join(ROOT, name), path.join(target, name));
  const env = { PATH: pathWithoutCargo(t) };
  assert.strictEqual((await install(target, env)).stderr, '');
  fs.appendFileSync(path.join(target, 'src/lib.rs'), '\n');
  assert.match((await install(target, env)).stderr, /cargo was not found/);
});
