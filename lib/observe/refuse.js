'use strict';
// The reply to a refusal from inside a 'clientError' listener, for frameworks that always have one.

const { answer } = require('../refusals/client-error');

/**
 * Answers as the server would without a listener, by its `replies` or as Node does, and destroys the
 * socket. See observe.d.ts.
 */
function refuse(error, socket) {
  answer(error, socket);
}

module.exports = { refuse };
