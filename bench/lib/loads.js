'use strict';

// Ends well if the implementation named by BENCH_HTTP, and the framework of the given server file, load.

require('../servers/common.js');
const framework = (process.argv[2] || '').replace(/\.js$/, '');
if (framework) require(framework);
