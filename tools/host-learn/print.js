'use strict';
// Prints the fingerprints of all functions of this Node that a shortcut could leave out, as JSON.

const { OWNERS, find, fingerprint } = require('../../lib/host/texts');

const found = {};
for (const [owner, prototype] of Object.entries(OWNERS)) {
  for (let object = prototype; object !== Object.prototype; object = Object.getPrototypeOf(object)) {
    for (const key of Object.getOwnPropertyNames(object)) {
      if (key === 'constructor') continue;
      for (const name of [`${owner}.${key}`, `${owner}.get ${key}`]) {
        const text = fingerprint(find(name));
        if (text !== '') found[name] = text;
      }
    }
  }
}
console.log(JSON.stringify({ version: process.versions.node, llhttp: process.versions.llhttp, found }));
