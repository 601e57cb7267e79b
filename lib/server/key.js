'use strict';

/** Under which a server of ours has its ServerLink. */
const kServer = Symbol('ferrohttp.server');

module.exports = { kServer };
