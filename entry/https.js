'use strict';
// `require('ferrohttp/https')`: the host's `https` with createServer and Server replaced.

const https = require('https');
const { createServer, Server } = require('../lib/https');
const { reexport } = require('../lib/reexport');

module.exports = reexport(https, { createServer, Server });
