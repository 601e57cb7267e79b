'use strict';

// The cases of merged.test.js with I/O threads.

process.env.FERROHTTP_IO_THREADS = '2';
require('./merged.test.js');
