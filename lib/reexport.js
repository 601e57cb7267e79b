'use strict';
// Copies the exports of a builtin module, with some of them replaced. The others forward to the builtin at each access,
// so that a change of the builtin is seen here, and a change here in the builtin.

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
