'use strict';
// The native engine of this load of the package, and the memory into which it writes deliveries.

const { Engine } = require('../native');
const { traits } = require('../host');
const { isAtLeast, lower } = require('../host/level');

/** The numbers of the delivery that was popped last. docs/architecture.md has their layout. */
const META_LENGTH = 16384;
const meta = new Uint32Array(META_LENGTH);

/** The long strings of that delivery, at the indexes that its numbers have. */
const strings = [];

let wake; // called when there are deliveries

const native = new Engine(meta, strings, () => wake(), {
  llhttp: process.versions.llhttp ?? '',
  manyFields: traits.manyFields,
  upgradeSkipsBody: traits.upgradeSkipsBody,
});

/**
 * Whether Rust accepts and reads. If not (on Windows, in a process that exports no libuv, or at level `sockets`),
 * Node's own sockets do that, and only the parser and the error path are ferrohttp's.
 */
const supported = native.supported && !isAtLeast('sockets');
if (!supported && !isAtLeast('sockets')) lower('sockets', 'this process does not export libuv to addons');

/** Sets the function that is called when there are deliveries. */
function onWake(callback) {
  wake = callback;
}

module.exports = { native, supported, meta, strings, onWake };
