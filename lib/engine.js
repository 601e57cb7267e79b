'use strict';
// The native engine of this load of the package: its deliveries, and what keeps the process alive.

const { Engine } = require('./native');
const { traits, runTicks } = require('./host');
const { isAtLeast, level, lower } = require('./host/level');
const { Queue } = require('./queue');

/** Numbers of the delivery that was popped last; layout in docs/architecture.md. */
const META_LENGTH = 16384;
const meta = new Uint32Array(META_LENGTH);

/** Deliveries dispatched before other work of the event loop gets its turn. */
const DELIVERIES_PER_TURN = 1024;

/** The long strings of that delivery, at the places that its numbers tell. */
const strings = [];

const native = new Engine(meta, strings, drain, {
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

// Set by dispatch.js. The first is called with the text of each delivery and returns true if nobody
// else's code ran; the second before the first delivery of a turn.
let dispatch = null;
let beginTurn = null;

let draining = false;
const afterwards = new Queue(); // callbacks for the end of the drain

function drain() {
  let finished = false;
  draining = true;
  try {
    beginTurn();
    // What libuv reports before it looks for events.
    runAfterwards();
    for (let i = 0; i < DELIVERIES_PER_TURN && !finished; i++) {
      const text = native.next();
      if (text !== null) {
        const silent = dispatch(text);
        if (!silent) runTicks();
      } else {
        runAfterwards();
        finished = native.goOn() === 0;
      }
    }
    runAfterwards();
  } finally {
    draining = false;
    // Out of turn, or a listener threw: the rest follows in a turn of its own.
    if (!finished || afterwards.length > 0) native.rewake();
  }
}

function runAfterwards() {
  while (afterwards.length > 0) {
    afterwards.shift()();
    runTicks();
  }
}

/**
 * Calls back where libuv reports what it did at once: after the deliveries of this turn, or before those of
 * the next, if none is on.
 */
function afterDeliveries(callback) {
  afterwards.push(callback);
  // Not by a timer or an immediate: a program's tests may have put false ones in their place.
  if (!draining) native.rewake();
}

// --- what keeps the process alive: a ref'd listener, or a connection at work ---------------------
//
// libuv keeps a loop alive for a stream that reads and was not unref'd, for one that has output or a
// shutdown pending, and for one that is closing. Connections are counted the other way around, so that one
// which does nothing but read costs nothing here: all that Rust owns, without those at rest.

const servers = new Set(); // NativeServers with a listener or connections
let listening = 0; // ref'd listeners
let resting = 0; // connections of Rust's that neither read (ref'd) nor send
let closingCount = 0; // connections that were destroyed and whose 'close' is to come
let refed = false;

function updateRef() {
  if (listening > 0 && refed) return;
  let alive = listening > 0;
  if (!alive) {
    let open = closingCount - resting;
    for (const server of servers) open += server.owned;
    alive = open > 0;
  }
  if (alive) process[FLUSHERS].add(native);
  else if (servers.size === 0) process[FLUSHERS].delete(native);
  if (alive !== refed) {
    refed = alive;
    if (alive) native.ref();
    else native.unref();
  }
}

function listeners(delta) {
  listening += delta;
  updateRef();
}

function closing(delta) {
  closingCount += delta;
  updateRef();
}

function atRest(delta) {
  resting += delta;
  updateRef();
}

// Output may wait for the end of a batch that never ends: process.exit() in a handler. All loads
// of the package share one listener.
const FLUSHERS = Symbol.for('ferrohttp.flushers');
if (process[FLUSHERS] === undefined) {
  const flushers = new Set();
  Object.defineProperty(process, FLUSHERS, { value: flushers });
  process.on('exit', () => {
    for (const engine of flushers) engine.flush();
  });
}

module.exports = {
  native,
  supported,
  meta,
  strings,
  servers,
  listeners,
  closing,
  atRest,
  afterDeliveries,
  updateRef,
  detach: (id) => native.detach(id),
  setDispatch(deliver, begin) {
    dispatch = deliver;
    beginTurn = begin;
  },
};
