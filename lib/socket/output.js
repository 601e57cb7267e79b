'use strict';
// What a write says of its bytes to the engine.

const { BYTES, LATIN1, UTF8, MAY_WAIT, MORE_FOLLOWS } = require('../layout').write;

function encodingOf(encoding) {
  switch (encoding) {
    case 'latin1': case 'binary': return LATIN1;
    case 'utf8': case 'utf-8': return UTF8;
    default: return BYTES;
  }
}

/**
 * How long output may stay with us: to the end of the batch of deliveries, if there is more in it;
 * longer than the next tick if the next response of a pipeline is complete and follows then.
 */
function waiting(socket) {
  return socket.parser?.queue?.first?.finished ? MAY_WAIT | MORE_FOLLOWS : MAY_WAIT;
}

module.exports = { encodingOf, waiting };
