'use strict';
// `require('ferrohttp/observe')`: what operators see of refusals.

module.exports = require('../lib/observe');
