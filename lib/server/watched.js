'use strict';
// Properties of a server that Rust uses. They are accessors, so that Rust learns of a change at once.

const { kServer } = require('./key');

/** Properties that a new server has. */
const PROPERTIES = [
  'maxHeaderSize', 'insecureHTTPParser', 'httpValidation', 'maxHeadersCount', 'timeout',
  'noDelay', 'keepAlive', 'keepAliveInitialDelay', 'pauseOnConnect', 'blockList',
];
/** Properties that a server has only after the program has set them. */
const OPTIONAL_PROPERTIES = ['maxConnections', 'blockList'];

/** Watches the properties that a new server has. */
function watchProperties(server, link) {
  for (const name of PROPERTIES) {
    if (!Object.hasOwn(server, name)) continue;
    watchProperty(server, link, name, server[name]);
  }
}

function watchProperty(server, link, name, value) {
  Object.defineProperty(server, name, {
    configurable: true,
    enumerable: true,
    get: () => value,
    set(next) {
      value = next;
      link.sync();
    },
  });
}

/** Watches properties that the program may set on servers of this class. */
function watchOptional(prototype) {
  for (const name of OPTIONAL_PROPERTIES) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get() {
        return undefined;
      },
      set(value) {
        if (this[kServer] === undefined) { // in Node's constructor; `watchProperties` watches it later
          Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
        } else {
          watchProperty(this, this[kServer], name, undefined);
          this[name] = value;
        }
      },
    });
  }
}

module.exports = { watchProperties, watchOptional };
