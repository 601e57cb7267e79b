'use strict';
// Answers a refusal in a 'clientError' listener. It is meant for frameworks that always have such a listener.

const { answer } = require('../refusals/client-error');
const { kServer } = require('../server/key');

/**
 * Does what the server does without a listener: it sends the program's own reply or Node's, and destroys the socket.
 * See observe.d.ts.
 */
function refuse(error, socket) {
  const link = socket.server?.[kServer];
  if (link?.answer === undefined) answer(error, socket);
  else link.answer(error, socket); // level `node`
}

module.exports = { refuse };
