'use strict';

// Exits with 0 if the implementation that BENCH_HTTP names, and the framework of the given server file, can be loaded.

require('../servers/common.js');
const framework = (process.argv[2] || '').replace(/\.js$/, '');
if (framework) require(framework);
