'use strict';

// Binaries are named `ferrohttp.<platform>.node` and lie beside package.json. The platforms are
// the targets of package.json's `napi` field, in napi's spelling; on Linux the C library decides
// between two.

const PLATFORMS = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64-msvc'],
};

module.exports = {
  platforms: PLATFORMS[`${process.platform}-${process.arch}`] ?? [],
  binaryName: (platform) => `ferrohttp.${platform}.node`,
};
