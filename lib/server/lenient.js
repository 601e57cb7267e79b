'use strict';
// The lenient flags for the parser of a server's next connection. They come from `httpValidation` (Node 24 and later),
// `insecureHTTPParser`, and the command line's --insecure-http-parser.

const { warnOfLeniency } = require('../host/messages');
const { STRICT, INSECURE, HEADER_VALUE_RELAXED } = require('../layout').lenient;

const insecureByCommandLine = commandLineFlag('insecure-http-parser');
let warned = false;

/** Whether a boolean option is on. The command line overrides NODE_OPTIONS, and the last word decides. */
function commandLineFlag(name) {
  const words = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv];
  return words.reduce((on, word) => {
    const option = word.replaceAll('_', '-');
    return option === `--${name}` ? true : option === `--no-${name}` ? false : on;
  }, false);
}

function lenientFlags(server) {
  switch (server.httpValidation) {
    case 'strict': return STRICT;
    case 'relaxed': return HEADER_VALUE_RELAXED;
    case 'insecure': return INSECURE;
  }
  if (server.insecureHTTPParser !== undefined) return server.insecureHTTPParser ? INSECURE : STRICT;
  return insecureByCommandLine ? INSECURE : STRICT;
}

/**
 * Whether Node would warn at the next connection, because it is the first one that --insecure-http-parser makes
 * lenient.
 */
function warningIsDue(server) {
  return insecureByCommandLine && !warned && server.httpValidation === undefined &&
    server.insecureHTTPParser === undefined;
}

/**
 * Emits Node's warning, once in a process. If Node's responses can emit it, they do so here, so that it is not emitted
 * twice.
 */
function warn() {
  warned = true;
  if (!warnOfLeniency()) process.emitWarning('Using insecure HTTP parsing');
}

module.exports = { lenientFlags, warn, warningIsDue };
