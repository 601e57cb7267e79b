'use strict';
// V8 keeps the properties of an object in a dictionary once an accessor has taken the place of a value, or once a
// property was removed. Every access is then a lookup by name: a request takes some fifteen of them on its server, and
// Node's `process.nextTick` takes two on `process`. V8 gives the dictionary up when the object is used as a prototype.

/** How often a lookup has to pass the object until V8 looks at it. */
const LOOKUPS = 30;

function Heir() {}

/** Has V8 keep the properties of an object at fixed places again. No program can see the difference. */
function useFastProperties(object) {
  Heir.prototype = object;
  for (let i = 0; i < LOOKUPS; i++) void new Heir().constructor;
  Heir.prototype = null;
}

module.exports = { useFastProperties };
