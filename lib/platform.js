'use strict';

// How binaries are named: `ferrohttp.<platform>.node` beside package.json, and
// `@ferrohttp/binding-<platform>` for prebuilt packages. The platforms are the targets of
// package.json's `napi` field, in napi's spelling.

const PLATFORMS = {
  'linux-x64': ['linux-x64-gnu', 'linux-x64-musl'],
  'linux-arm64': ['linux-arm64-gnu', 'linux-arm64-musl'],
  'darwin-x64': ['darwin-x64'],
  'darwin-arm64': ['darwin-arm64'],
  'win32-x64': ['win32-x64-msvc'],
};

function isMusl() {
  if (process.platform !== 'linux') return false;
  // Without its network part the report is cheap and asks no name server.
  const excludeNetwork = process.report.excludeNetwork;
  process.report.excludeNetwork = true;
  const { header } = process.report.getReport();
  process.report.excludeNetwork = excludeNetwork;
  return header.glibcVersionRuntime === undefined;
}

// The name of the platform that runs this, or undefined where there is no target for it.
function platform() {
  const names = PLATFORMS[`${process.platform}-${process.arch}`];
  return names && (names[1] && isMusl() ? names[1] : names[0]);
}

const binaryName = (name) => `ferrohttp.${name}.node`;
const prebuiltName = (name) => `@ferrohttp/binding-${name}`;

module.exports = { platform, binaryName, prebuiltName };
