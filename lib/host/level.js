'use strict';
// How much of the package runs in this process:
//
//   fast     all of it
//   plain    the engine and the parser, without shortcuts around Node's message classes
//   sockets  Node's own sockets; the parser and the error path are ours
//   node     Node's own http.Server, with our counters
//
// FERROHTTP_LEVEL chooses. Otherwise it is `fast`, unless something that it needs is not as it was when
// it was tested; then one warning says what.

const LEVELS = ['fast', 'plain', 'sockets', 'node'];

const level = {
  asked: undefined, // by the environment
  name: 'fast',
  reasons: [], // why it is lower than that
};

function start() {
  const { FERROHTTP_LEVEL: asked, FERROHTTP_ENGINE: engine } = process.env;
  if (asked) {
    if (!LEVELS.includes(asked)) {
      const error = new Error(`FERROHTTP_LEVEL is '${asked}', which is none of ${LEVELS.join(', ')}`);
      error.code = 'ERR_FERROHTTP_LEVEL';
      throw error;
    }
    level.asked = asked;
  } else if (engine === 'off') {
    level.asked = 'sockets'; // the older name of it
  }
  level.name = level.asked ?? 'fast';
}

function isAtLeast(name) {
  return LEVELS.indexOf(level.name) >= LEVELS.indexOf(name);
}

/** Goes down to a level that was not asked for. */
function lower(name, reason) {
  if (!isAtLeast(name)) level.name = name;
  level.reasons.push(reason);
  process.emitWarning(`ferrohttp runs at level '${level.name}': ${reason}. ` +
    '`npx ferrohttp doctor` tells more.', { code: 'FERROHTTP_HOST' });
}

start();

module.exports = { LEVELS, level, isAtLeast, lower };
