'use strict';
// `require('ferrohttp/observe')`: what operators see of refusals.

const { explain, matrix } = require('./explain');
const { format } = require('./format');
const { prometheus } = require('./prometheus');
const { collect } = require('./collect');
const { otel } = require('./otel');
const { page } = require('./page');
const { refuse } = require('./refuse');

module.exports = { explain, matrix, format, prometheus, collect, otel, page, refuse };
