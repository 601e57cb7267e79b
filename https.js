'use strict';
// `require('ferrohttp/https')`: the builtin `https` with createServer and Server replaced.
const https = require('https');
const { Server, createServer } = require('./lib/https');

module.exports = Object.create(null, { ...Object.getOwnPropertyDescriptors(https) });
Object.defineProperties(module.exports, {
  Server: { value: Server, enumerable: true, writable: true, configurable: true },
  createServer: { value: createServer, enumerable: true, writable: true, configurable: true },
});
