'use strict';
// Which lenient flags the parser of a server's next connection gets (Node: httpValidation from
// 24 on, insecureHTTPParser, and the command line's --insecure-http-parser).

const { warnOfLeniency } = require('../host/messages');
const { STRICT, INSECURE, HEADER_VALUE_RELAXED } = require('../layout').lenient;

const insecureByCommandLine = commandLineFlag('insecure-http-parser');
let warned = false;

/** Whether a boolean option is on. The command line overrides NODE_OPTIONS, and a later word an earlier one. */
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

/** Whether the next connection is the first one that --insecure-http-parser makes lenient. */
function warningIsDue(server) {
  return insecureByCommandLine && !warned && server.httpValidation === undefined &&
    server.insecureHTTPParser === undefined;
}

/** Gives Node's warning, once a process. Where Node's responses can give it, too, they do so here, so that it stays one. */
function warn() {
  warned = true;
  if (!warnOfLeniency()) process.emitWarning('Using insecure HTTP parsing');
}

module.exports = { lenientFlags, warn, warningIsDue };
