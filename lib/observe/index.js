'use strict';
// `require('ferrohttp/observe')`: refusals for operators: explained, as text, as metrics and as a page.

const { explain, matrix } = require('./explain');
const { format } = require('./format');
const { prometheus } = require('./prometheus');
const { collect } = require('./collect');
const { otel } = require('./otel');
const { page } = require('./page');
const { refuse } = require('./refuse');

module.exports = { explain, matrix, format, prometheus, collect, otel, page, refuse };
