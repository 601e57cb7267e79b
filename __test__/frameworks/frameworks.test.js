'use strict';

// Web frameworks: one app for each, on node:http and on ferrohttp.

const { describe } = require('node:test');
const { compareApps } = require('./support/compare.js');
const { SCRIPTS } = require('./support/scripts.js');

const APPS = {
  'Express 4': require('./apps/express.js')(require('express4')),
  'Express 5': require('./apps/express.js')(require('express')),
  Koa: require('./apps/koa.js'),
  Fastify: require('./apps/fastify.js'),
  Hono: require('./apps/hono.js'),
};

for (const [name, build] of Object.entries(APPS)) {
  describe(name, () => compareApps(name, build, SCRIPTS));
}
