'use strict';
// What keeps the process alive: a listener that is ref'd, or a connection that is not at rest.
//
// libuv keeps a loop alive for a stream that reads and is ref'd, for one that has pending output or a pending shutdown,
// and for one that is closing. All other connections are at rest. This file counts those, and subtracts them from all
// connections that Rust owns. So a connection that only reads costs nothing here.

const { native } = require('.');

const servers = new Set(); // NativeServers with a listener or connections
let listening = 0; // ref'd listeners
let resting = 0; // connections that Rust owns and that are at rest
let closingCount = 0; // destroyed connections whose 'close' was not emitted yet
let refed = false;

function update() {
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

/** A native server has a listener. */
function addServer(server) {
  servers.add(server);
}

/** A native server has neither listener nor connections. */
function removeServer(server) {
  servers.delete(server);
  update();
}

function listeners(delta) {
  listening += delta;
  update();
}

function closing(delta) {
  closingCount += delta;
  update();
}

function atRest(delta) {
  resting += delta;
  update();
}

// Deferred output waits for the end of a batch. If a handler calls process.exit(), the batch does not end, so the
// output is sent on 'exit'. All loads of the package share one listener.
const FLUSHERS = Symbol.for('ferrohttp.flushers');
if (process[FLUSHERS] === undefined) {
  const flushers = new Set();
  Object.defineProperty(process, FLUSHERS, { value: flushers });
  process.on('exit', () => {
    for (const engine of flushers) engine.flush();
  });
}

module.exports = { addServer, removeServer, listeners, closing, atRest, update };
