'use strict';

// The histories of histories.test.js with I/O threads.

process.env.FERROHTTP_IO_THREADS = '2';
require('./histories.test.js');
