'use strict';

// The two servers that are compared. FERROHTTP_IMPL replaces ferrohttp by another module that exports createServer (a
// path, or a builtin such as node:http), so that the tests can run against a server with a broken rule.

const http = require('node:http');
const path = require('node:path');

const root = path.resolve(__dirname, '../..');

function oursSpecifier() {
  const chosen = process.env.FERROHTTP_IMPL;
  if (!chosen) return root;
  return chosen.startsWith('node:') ? chosen : path.resolve(chosen);
}

const node = { name: 'node:http', createServer: http.createServer, specifier: 'node:http' };

let loaded;

module.exports = {
  node,
  get ours() {
    if (!loaded) {
      const specifier = oursSpecifier();
      loaded = { name: 'ferrohttp', createServer: require(specifier).createServer, specifier };
    }
    return loaded;
  },
};
