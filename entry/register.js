'use strict';
// `node -r ferrohttp/register` or `node --import ferrohttp/register`: replaces the servers of `http` and `https` in
// this process, for require, for `node:` names and for ESM imports.
const http = require('http');
const https = require('https');
const { syncBuiltinESMExports } = require('module');
const { implementation } = require('../lib/implementation');

// Without a binary the program runs on Node's own servers.
const ours = implementation({ withoutBinary: true });

Object.assign(http, ours.http);
Object.assign(https, ours.https);
syncBuiltinESMExports();
