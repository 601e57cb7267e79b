'use strict';
// `require('ferrohttp')`: Node's `http` with createServer and Server replaced.

const http = require('http');
const { implementation } = require('./lib/implementation');
const { reexport } = require('./lib/reexport');

module.exports = reexport(http, implementation().http);
