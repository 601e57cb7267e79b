'use strict';
// A builtin module key for key, with some exports replaced. The others forward at each access:
// what is set or patched on the builtin is seen here, and back.

function reexport(builtin, replaced) {
  const exports = {};
  for (const key of Object.keys(builtin)) {
    const value = { value: replaced[key], writable: true };
    const forward = {
      get: () => builtin[key],
      set(next) { builtin[key] = next; },
    };
    Object.defineProperty(exports, key, {
      ...(Object.hasOwn(replaced, key) ? value : forward),
      enumerable: true,
      configurable: true,
    });
  }
  return exports;
}

module.exports = { reexport };
