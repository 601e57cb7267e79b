'use strict';

// The platforms for which binaries are published. Each row has the name as in lib/platform.js, the Rust target, and the
// fields by which package managers choose.

const TARGETS = [
  { platform: 'linux-x64-gnu', rust: 'x86_64-unknown-linux-gnu', os: 'linux', cpu: 'x64', libc: 'glibc' },
  { platform: 'linux-arm64-gnu', rust: 'aarch64-unknown-linux-gnu', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { platform: 'linux-x64-musl', rust: 'x86_64-unknown-linux-musl', os: 'linux', cpu: 'x64', libc: 'musl' },
  { platform: 'linux-arm64-musl', rust: 'aarch64-unknown-linux-musl', os: 'linux', cpu: 'arm64', libc: 'musl' },
  { platform: 'darwin-x64', rust: 'x86_64-apple-darwin', os: 'darwin', cpu: 'x64' },
  { platform: 'darwin-arm64', rust: 'aarch64-apple-darwin', os: 'darwin', cpu: 'arm64' },
  { platform: 'win32-x64-msvc', rust: 'x86_64-pc-windows-msvc', os: 'win32', cpu: 'x64' },
  { platform: 'win32-arm64-msvc', rust: 'aarch64-pc-windows-msvc', os: 'win32', cpu: 'arm64' },
];

/** The oldest systems that load the binaries. Those of macOS and Windows are Node 20's own; arm64 began with macOS 11. */
const OLDEST = {
  glibc: '2.17',
  musl: '1.2.3',
  darwin: { x64: '10.15', arm64: '11.0' },
  win32: '10.0',
};

/** The row of a platform or of a Rust target. */
function find(name) {
  return TARGETS.find(({ platform, rust }) => name === platform || name === rust);
}

module.exports = { OLDEST, TARGETS, find };
