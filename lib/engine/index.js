'use strict';
// The native engine of this load of the package, and the memory in which it puts deliveries.

const { Engine } = require('../native');
const { traits } = require('../host');
const { isAtLeast, level, lower } = require('../host/level');

/** Numbers of the delivery that was popped last; layout in docs/architecture.md. */
const META_LENGTH = 16384;
const meta = new Uint32Array(META_LENGTH);

/** The long strings of that delivery, at the places that its numbers tell. */
const strings = [];

let wake; // called when there are deliveries

const native = new Engine(meta, strings, () => wake(), {
  llhttp: process.versions.llhttp ?? '',
  manyFields: traits.manyFields,
  upgradeSkipsBody: traits.upgradeSkipsBody,
});

/**
 * Whether Rust accepts and reads. Where it does not (Windows, an Electron that exports no libuv, or level
 * `sockets`), Node's own sockets do, and only the parser and the error path are ours.
 */
const supported = native.supported && !isAtLeast('sockets');
if (!supported && !isAtLeast('sockets')) {
  // On Windows that is as it should be.
  if (process.platform === 'win32') level.name = 'sockets';
  else lower('sockets', 'this process does not export libuv to addons');
}

/** Sets what is called when there are deliveries. */
function onWake(callback) {
  wake = callback;
}

module.exports = { native, supported, meta, strings, onWake };
