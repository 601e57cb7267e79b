'use strict';
// `node -r ferrohttp/register` or `node --import ferrohttp/register`: the servers of the running
// program become ours, for require, `node:` names and ESM imports alike.
const http = require('http');
const https = require('https');
const { syncBuiltinESMExports } = require('module');
const { implementation } = require('../lib/implementation');

// A program that is to run on our servers runs on Node's where they cannot be had.
const ours = implementation({ withoutBinary: true });

Object.assign(http, ours.http);
Object.assign(https, ours.https);
syncBuiltinESMExports();
