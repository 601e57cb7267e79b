'use strict';

// merged.test.js where threads of their own read established connections.

process.env.FERROHTTP_IO_THREADS = '2';
require('./merged.test.js');
