'use strict';
// `node -r ferrohttp/register` or `node --import ferrohttp/register`: the servers of the running
// program become ours, for require, `node:` names and ESM imports alike.
const http = require('http');
const https = require('https');
const { syncBuiltinESMExports } = require('module');
const ours = require('../lib/server');
const { connectionListener } = require('../lib/connection');
const oursSecure = require('../lib/https');

Object.assign(http, {
  Server: ours.Server, createServer: ours.createServer, _connectionListener: connectionListener,
});
Object.assign(https, { Server: oursSecure.Server, createServer: oursSecure.createServer });
syncBuiltinESMExports();
