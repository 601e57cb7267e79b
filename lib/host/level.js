'use strict';
// How much of the package runs in this process:
//
//   fast     all of it
//   plain    the engine and the parser, without shortcuts around Node's message classes
//   sockets  the parser and the error path, with Node's own sockets
//   node     Node's own http.Server; refusals are only counted, kept and answered
//
// FERROHTTP_LEVEL sets the level. Otherwise it is `fast`, unless something that ferrohttp needs is not as it was
// tested; then one warning says what.

const LEVELS = ['fast', 'plain', 'sockets', 'node'];

const level = {
  asked: undefined, // the level that the environment sets
  name: 'fast',
  reasons: [], // why the level was lowered
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
    level.asked = 'sockets'; // FERROHTTP_ENGINE=off is its older name
  }
  level.name = level.asked ?? 'fast';
  // There is no engine for Windows. This is expected, so there is no warning.
  if (process.platform === 'win32' && !isAtLeast('sockets')) level.name = 'sockets';
}

function isAtLeast(name) {
  return LEVELS.indexOf(level.name) >= LEVELS.indexOf(name);
}

/** Lowers the level, and warns. */
function lower(name, reason) {
  if (!isAtLeast(name)) level.name = name;
  level.reasons.push(reason);
  process.emitWarning(`ferrohttp runs at level '${level.name}': ${reason}. ` +
    '`npx ferrohttp doctor` says more.', { code: 'FERROHTTP_HOST' });
}

start();

module.exports = { LEVELS, level, isAtLeast, lower };
