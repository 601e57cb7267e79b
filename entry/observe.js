'use strict';
// `require('ferrohttp/observe')`: refusals for operators: explained, as text, as metrics and as a page.

module.exports = require('../lib/observe');
