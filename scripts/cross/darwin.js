'use strict';

// Links for macOS on another system: by the linker that comes with Rust, against the symbols of macOS that zig brings.
// zig's own linker leaves in what nobody uses, which is half of the binary.

const fs = require('node:fs');
const path = require('node:path');
const { CROSS, tool } = require('./tools.js');
const { Failure } = require('../release/run.js');

/** The libraries that Rust names. libSystem has all of them. */
const LIBRARIES = ['libSystem', 'libc', 'libm', 'libiconv'];

/** zig's list of the symbols of libSystem. */
function symbols() {
  const packages = path.join(path.dirname(tool('cargo-zigbuild')), '../lib');
  for (const python of fs.existsSync(packages) ? fs.readdirSync(packages) : []) {
    const file = path.join(packages, python, 'site-packages/ziglang/lib/libc/darwin/libSystem.tbd');
    if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8');
  }
  throw new Failure('ziglang is missing beside cargo-zigbuild: pip install ziglang there');
}

/** The variables with which cargo links for a target of macOS. `host` is the target of the toolchain itself. */
function linking(rust, sysroot, host) {
  const folder = path.join(CROSS, 'darwin');
  fs.mkdirSync(folder, { recursive: true });
  // The linker does not know all processors of the list.
  const list = symbols().replace(/arm64e\.x1-\w+,?\s*/g, '');
  for (const name of LIBRARIES) fs.writeFileSync(path.join(folder, `${name}.tbd`), list);
  const lld = path.join(sysroot, 'lib/rustlib', host, 'bin/rust-lld');
  if (!fs.existsSync(lld)) throw new Failure(`${lld} is missing, which comes with Rust's own toolchains: use rustup`);
  // `napi-build` passes `-Wl` as to a C compiler.
  const linker = path.join(folder, 'ld');
  fs.writeFileSync(linker, '#!/bin/sh\n' +
    'for argument do shift; [ "$argument" = -Wl ] || set -- "$@" "$argument"; done\n' +
    `exec '${lld}' "$@"\n`, { mode: 0o755 });
  const name = `CARGO_TARGET_${rust.toUpperCase().replaceAll('-', '_')}`;
  return {
    [`${name}_LINKER`]: linker,
    // -S and -x leave the names out. Rust would do that by a program that breaks the signature.
    [`${name}_RUSTFLAGS`]: `-C linker-flavor=ld64.lld -L ${folder} -C link-args=-S -C link-args=-x`,
    CARGO_PROFILE_RELEASE_STRIP: 'false',
    // Without it Rust asks Xcode.
    SDKROOT: folder,
  };
}

module.exports = { linking };
