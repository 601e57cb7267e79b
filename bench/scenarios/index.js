'use strict';

// All scenarios, in the order of the table in docs/performance.md.

module.exports = [
  ...require('./http.js'),
  ...require('./bulk.js'),
  ...require('./malformed.js'),
  ...require('./idle.js'),
  ...require('./package.js'),
];
