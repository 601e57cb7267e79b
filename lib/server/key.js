'use strict';

/** The property under which a server of ferrohttp has its ServerLink. */
const kServer = Symbol('ferrohttp.server');

module.exports = { kServer };
