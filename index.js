'use strict';

// The host's `http`, key for key, with `createServer` and `Server` replaced by ours. The other
// exports forward to `http` at each access: what is set or patched there is seen here, and back.

const http = require('node:http');
const { createServer, Server } = require('./lib/server.js');

const ours = { createServer, Server };

for (const key of Object.keys(http)) {
  const forwarded = {
    get: () => http[key],
    set: (value) => { http[key] = value; },
  };
  Object.defineProperty(module.exports, key, {
    enumerable: true,
    configurable: true,
    ...(key in ours ? { value: ours[key], writable: true } : forwarded),
  });
}
