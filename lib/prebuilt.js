'use strict';

// Loads the published binary of a platform. Bundlers and tools that trace files read the names of the packages here, so
// each name is written out. The names are inside a `try`, because only there do these tools accept that a module is
// missing.

function loadPrebuilt(platform) {
  try {
    switch (platform) {
      case 'linux-x64-gnu': return { binding: require('@ferrohttp/binding-linux-x64-gnu') };
      case 'linux-arm64-gnu': return { binding: require('@ferrohttp/binding-linux-arm64-gnu') };
      case 'linux-x64-musl': return { binding: require('@ferrohttp/binding-linux-x64-musl') };
      case 'linux-arm64-musl': return { binding: require('@ferrohttp/binding-linux-arm64-musl') };
      case 'darwin-x64': return { binding: require('@ferrohttp/binding-darwin-x64') };
      case 'darwin-arm64': return { binding: require('@ferrohttp/binding-darwin-arm64') };
      case 'win32-x64-msvc': return { binding: require('@ferrohttp/binding-win32-x64-msvc') };
      case 'win32-arm64-msvc': return { binding: require('@ferrohttp/binding-win32-arm64-msvc') };
      default: return {};
    }
  } catch (error) {
    return { error };
  }
}

module.exports = { loadPrebuilt };
