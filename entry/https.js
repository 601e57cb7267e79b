'use strict';
// `require('ferrohttp/https')`: Node's `https` with createServer and Server replaced.

const https = require('https');
const { implementation } = require('../lib/implementation');
const { reexport } = require('../lib/reexport');

const { createServer, Server } = implementation().https;

module.exports = reexport(https, { createServer, Server });
