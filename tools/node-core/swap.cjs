'use strict';
// Loaded before a test of Node's own: puts the implementation that NODE_CORE_IMPL names in the place
// of the servers of the builtin `http`. Clients stay Node's.

const impl = process.env.NODE_CORE_IMPL;
if (impl) {
  const http = require('http');
  const { createServer, Server } = require(impl);
  Object.assign(http, { createServer, Server });
  require('module').syncBuiltinESMExports();
}

// Node 25 and later warn at the first look at `localStorage`, and test/common looks: tests that allow
// no warning would fail. That look is taken here, unseen.
if (Object.getOwnPropertyDescriptor(globalThis, 'localStorage')?.get) {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    void globalThis.localStorage;
  } catch {
    // The test that asks for it will see why.
  }
  process.emitWarning = emitWarning;
}
