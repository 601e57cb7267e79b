'use strict';

// The cases of merged.test.js with I/O threads.

const { test } = require('node:test');

process.env.FERROHTTP_IO_THREADS = '2';
const { supported: hasThreads } = require('../../lib/engine');
const { seesThreads } = require('../support/quiet.js');

// A packet that an I/O thread has yet to read shows nowhere else.
if (hasThreads && !seesThreads) test('with I/O threads', { skip: 'needs /proc to know when an I/O thread is done' });
else require('./merged.test.js');
