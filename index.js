'use strict';
// `require('ferrohttp')`: the host's `http` with createServer and Server replaced.

const http = require('http');
const { createServer, Server } = require('./lib/server');
const { connectionListener } = require('./lib/connection');
const { reexport } = require('./lib/reexport');

module.exports = reexport(http, { createServer, Server, _connectionListener: connectionListener });
