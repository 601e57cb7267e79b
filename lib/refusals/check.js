'use strict';
// Checks of options, with errors as Node makes them.

function bad(code, message) {
  return Object.assign(new TypeError(message), { code });
}

function show(value) {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function checkObject(name, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw bad('ERR_INVALID_ARG_TYPE', `The option ${name} must be an object. Received ${show(value)}`);
  }
  return value;
}

function checkKeys(name, object, known) {
  for (const key of Object.keys(object)) {
    if (!known.has(key)) throw bad('ERR_INVALID_ARG_VALUE', `There is no option ${name}.${key}`);
  }
}

module.exports = { bad, show, checkObject, checkKeys };
