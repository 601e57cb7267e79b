'use strict';
// The reply to a refusal from inside a 'clientError' listener, for frameworks that always have one.

const { answer } = require('../refusals/client-error');
const { kServer } = require('../server/key');

/**
 * Answers as the server would without a listener, by its `replies` or as Node does, and destroys the
 * socket. See observe.d.ts.
 */
function refuse(error, socket) {
  const link = socket.server?.[kServer];
  if (link?.answer === undefined) answer(error, socket);
  else link.answer(error, socket); // level `node`
}

module.exports = { refuse };
