'use strict';

// Builds the binary of a platform on this one.
//
// Linux is linked by zig, which has the symbols of each glibc, so the binary needs no newer one than it has to. macOS is
// linked as `darwin.js` says. The standard library of a target comes with the toolchain (`rustup target add`), or is
// built from the toolchain's sources, where rustup offers nothing (Debian's rust-src).

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { linking } = require('./darwin.js');
const { CROSS, ROOT, environment, tool } = require('./tools.js');
const { OLDEST, TARGETS, find } = require('../targets.js');
const commandLine = require('../command-line.js');
const { checkNeeds } = require('../release/needs.js');
const { Failure, main } = require('../release/run.js');
const { binaryName } = require('../../lib/platform.js');

const USAGE = `npm run cross -- PLATFORM ...
  builds the binaries of platforms on this one, into dist/binaries
  PLATFORM  all, a Rust target, or one of
            ${commandLine.wrapped(TARGETS.map(({ platform }) => platform), 12)}`;

const DARWIN = { builder: 'build', library: 'libferrohttp.dylib', linking };

/** How each platform is built on another system, and Linux on any. */
const RECIPES = {
  'linux-x64-gnu': { builder: 'zigbuild', suffix: `.${OLDEST.glibc}` },
  'linux-arm64-gnu': { builder: 'zigbuild', suffix: `.${OLDEST.glibc}` },
  'linux-x64-musl': { builder: 'zigbuild' },
  'linux-arm64-musl': { builder: 'zigbuild' },
  'darwin-x64': DARWIN,
  'darwin-arm64': DARWIN,
  // MSVC's import libraries cannot be had outside Windows; what MinGW links loads into the same Node.
  'win32-x64-msvc': {
    builder: 'build',
    rust: 'x86_64-pc-windows-gnu',
    library: 'ferrohttp.dll',
    linker: ['CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER', 'x86_64-w64-mingw32-gcc-posix'],
  },
  'win32-arm64-msvc': { builder: 'zigbuild', rust: 'aarch64-pc-windows-gnullvm', library: 'ferrohttp.dll' },
};

/** macOS and Windows are built by their own tools where those are. */
function recipeFor({ platform, os }) {
  if (os === 'linux' || os !== process.platform) return RECIPES[platform];
  return { builder: 'build', library: { darwin: 'libferrohttp.dylib', win32: 'ferrohttp.dll' }[os] };
}

const capture = (command, args) => spawnSync(command, args, { encoding: 'utf8' }).stdout?.trim() ?? '';

const hostOf = (rustc) => /^host: (.*)$/m.exec(capture(rustc, ['-vV']))?.[1] ?? '';

/** The toolchain that has, or can build, the standard library of a target. */
function toolchain(rust) {
  const found = [];
  for (const rustc of [process.env.RUSTC || 'rustc', '/usr/bin/rustc']) {
    const sysroot = capture(rustc, ['--print', 'sysroot']);
    if (sysroot === '') continue;
    const cargo = rustc === 'rustc' ? 'cargo' : path.join(path.dirname(rustc), 'cargo');
    if (fs.existsSync(path.join(sysroot, 'lib/rustlib', rust, 'lib'))) return { rustc, cargo, sysroot, std: [] };
    if (fs.existsSync(path.join(sysroot, 'lib/rustlib/src/rust/library/std'))) found.push({ rustc, cargo, sysroot });
  }
  if (found.length === 0) {
    throw new Failure(`no toolchain has the standard library of ${rust}: rustup target add ${rust}, or rustup component ` +
      'add rust-src, or apt-get install rustc-web cargo-web rust-web-src');
  }
  // `-Z` is for nightly, or for those who say that they know.
  return { ...found[0], std: ['-Z', 'build-std=std,panic_unwind'], env: { RUSTC_BOOTSTRAP: '1' } };
}

/**
 * A folder with an empty import library of Node. The crate `napi` asks for one with every compiler but MSVC's, and
 * takes nothing from it: Node's functions are looked up at run time.
 */
function emptyNodeLibrary() {
  const folder = path.join(CROSS, 'libnode');
  fs.mkdirSync(folder, { recursive: true });
  // MinGW's linker looks for the second name, zig's for the third.
  for (const name of ['libnode.dll', 'libnode.dll.a', 'node.lib']) fs.writeFileSync(path.join(folder, name), '!<arch>\n');
  return folder;
}

function build({ platform, os, cpu, rust: published }) {
  const recipe = recipeFor({ platform, os });
  const rust = recipe.rust ?? published;
  const { rustc, cargo, sysroot, std, env } = toolchain(rust);
  const [linker, linkerProgram] = recipe.linker ?? [];
  const builder = recipe.builder === 'zigbuild' ? tool('cargo-zigbuild') : cargo;
  const result = spawnSync(builder, [
    recipe.builder, '--release', '--lib', '--locked', ...std, '--target', rust + (recipe.suffix ?? ''), '--target-dir', CROSS,
  ], {
    cwd: ROOT,
    stdio: 'inherit',
    env: environment({
      RUSTC: rustc,
      CARGO: cargo,
      ...env,
      ...recipe.linking?.(rust, sysroot, hostOf(rustc)),
      ...(os === 'darwin' && { MACOSX_DEPLOYMENT_TARGET: OLDEST.darwin[cpu] }),
      ...(rust !== published && { LIBNODE_PATH: emptyNodeLibrary() }),
      ...(linker && { [linker]: tool(linkerProgram) }),
    }),
  });
  if (result.status !== 0) throw new Failure(`${platform} was not built`);
  const file = path.join(ROOT, 'dist/binaries', binaryName(platform));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(path.join(CROSS, rust, 'release', recipe.library ?? 'libferrohttp.so'), file);
  checkNeeds(platform, file);
  console.log(`ferrohttp: built ${path.relative(ROOT, file)} (${(fs.statSync(file).size / 1000).toFixed(0)} kB)`);
}

main(async () => {
  const { positionals: names, wrong } = commandLine(USAGE, {}, ['PLATFORM ...']);
  const targets = names.includes('all') ? TARGETS : names.map((name) => find(name) ?? wrong(`there is no platform '${name}'`));
  for (const target of targets) build(target);
});
