'use strict';
// V8 keeps the properties of an object in a dictionary once an accessor has taken the place of a value. Every access is then
// a lookup by name, and a request takes some fifteen of them on its server. V8 gives the dictionary up when the object is
// used as a prototype.

function Heir() {}

/** Has V8 keep the properties of an object at fixed places again. No program can see the difference. */
function useFastProperties(object) {
  Heir.prototype = object;
  void new Heir().constructor;
  Heir.prototype = null;
}

module.exports = { useFastProperties };
