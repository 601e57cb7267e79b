'use strict';
// The option `refusals` of a server. The environment variable FERROHTTP_REFUSALS has the same as JSON, for programs
// that only load the register hook.

const { bad, checkKeys, checkObject, show } = require('./check');
const { checkReplies } = require('./replies');

const RING = 64; // src/observe/store.rs
const EXCERPT = 256; // src/observe/facts.rs
const LONGEST = 60_000; // ms
const KNOWN = new Set(['keep', 'excerpt', 'redact', 'log', 'replies', 'linger', 'native']);

function checkNumber(name, value, most) {
  if (typeof value !== 'number') throw bad('ERR_INVALID_ARG_TYPE', `The option refusals.${name} must be a number. Received ${show(value)}`);
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw bad('ERR_INVALID_ARG_VALUE', `The option refusals.${name} must be a whole number from 0 to ${most}. Received ${value}`);
  }
  return value;
}

function checkRedact(redact) {
  checkKeys('refusals.redact', checkObject('refusals.redact', redact), new Set(['fields', 'query']));
  const { fields = [], query = false } = redact;
  if (!Array.isArray(fields) || !fields.every((name) => typeof name === 'string' && name !== '')) {
    throw bad('ERR_INVALID_ARG_TYPE', 'The option refusals.redact.fields must be an array of names');
  }
  if (typeof query !== 'boolean') throw bad('ERR_INVALID_ARG_TYPE', 'The option refusals.redact.query must be a boolean');
  return { fields, query };
}

/** Checks the option and fills in what it leaves out. */
function checkOptions(options) {
  checkKeys('refusals', checkObject('refusals', options), KNOWN);
  const { keep = RING, excerpt = EXCERPT, redact = {}, log = null, replies = {}, linger = 0, native = false } = options;
  if (log !== null && log !== 'stderr' && typeof log !== 'function') {
    throw bad('ERR_INVALID_ARG_TYPE', `The option refusals.log must be a function or 'stderr'. Received ${show(log)}`);
  }
  if (typeof native !== 'boolean') throw bad('ERR_INVALID_ARG_TYPE', `The option refusals.native must be a boolean. Received ${show(native)}`);
  return {
    keep: checkNumber('keep', keep, RING),
    excerpt: checkNumber('excerpt', excerpt, EXCERPT),
    redact: checkRedact(redact),
    log,
    replies: checkReplies(replies),
    linger: checkNumber('linger', linger, LONGEST),
    native,
  };
}

/** The options of the environment. If they cannot be used, it warns and returns none. */
function ofEnvironment() {
  const text = process.env.FERROHTTP_REFUSALS;
  if (!text) return {};
  try {
    const options = JSON.parse(text);
    checkOptions(options);
    return options;
  } catch (error) {
    process.emitWarning(`FERROHTTP_REFUSALS is ignored: ${error.message}`, { code: 'FERROHTTP_REFUSALS' });
    return {};
  }
}

let environment;

/** The complete options of a server that was made with the option `refusals`; undefined stands for no such option. */
function optionsOf(refusals) {
  environment ??= ofEnvironment();
  return checkOptions(refusals === undefined ? environment : refusals);
}

module.exports = { optionsOf };
