'use strict';
// From a delivery to the server or the socket that it is about, which is made if need be.

const { caughtUp } = require('../socket/hand-over');
const { socketAt } = require('../socket/places');
const { kBytesRead, kBehind } = require('../socket/keys');
const { tell, closed } = require('./records');
const { runTicks, traits } = require('../host');
const { restartIdleTimer } = require('../host/sockets');
const layout = require('../layout');
const { native, meta } = require('../engine');

const { FIRST, OVERFLOWN, SERVER_RECORD, RECORDS } = layout.delivery;
const { HEAD, CLOSED, ACCEPTED } = layout.record;

const servers = new Map(); // by server id

/** Dispatches the delivery in `meta`; true if that ran nobody else's code. */
function dispatch(text) {
  const id = meta[1];
  const flags = meta[2];
  if (flags & SERVER_RECORD) {
    servers.get(id)?.onServerRecord(meta[RECORDS], meta[RECORDS + 1], text);
    return false;
  }
  // Without any record, or where the numbers did not fit, what lies there is an earlier delivery's.
  const first = meta[0] > RECORDS && (flags & OVERFLOWN) === 0 ? meta[RECORDS] : 0;
  let socket = socketAt(id);
  if (socket === undefined || (flags & FIRST) !== 0) {
    // Listeners of 'connection' may overwrite the numbers.
    socket = open(id);
    if (socket === undefined || first === ACCEPTED) return false;
    // Node enters JavaScript anew for the first packet.
    runTicks();
  }
  const behind = socket[kBehind];
  const bytesRead = meta[3];
  socket[kBytesRead] += bytesRead;
  // A keep-alive timer is stopped by the head that is told next.
  if (socket.timeout && !(first === HEAD && socket.parser?.idleTimer?.armed)) restartIdleTimer(socket);

  if (first === CLOSED && meta[0] === RECORDS + 1) {
    // Not silent where the socket was made just now: its 'connection' was emitted.
    return !closed(socket) && (flags & FIRST) === 0;
  }
  tell(socket, text);
  if (traits.packetEndsIdleTime && bytesRead > 0) socket.parser?.endIdleTime();
  if (behind) caughtUp(socket);
  return false;
}

/** The socket of a connection that JavaScript meets for the first time; undefined if that is over. */
function open(id) {
  return servers.get(native.serverOf(id))?.onAccept(id);
}

/** The socket of a connection id, made if need be. */
function socketOf(id) {
  const known = socketAt(id);
  if (known !== undefined) return known;
  const socket = open(id);
  if (socket !== undefined) socket[kBytesRead] += native.takeBytesRead(id);
  return socket;
}

/** What a program changed on prototypes since the last turn is known from here on. */
function beginTurn() {
  for (const link of servers.values()) {
    if (link.stale()) link.sync();
  }
}

module.exports = { servers, dispatch, socketOf, beginTurn };
