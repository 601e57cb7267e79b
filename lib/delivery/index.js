'use strict';
// Finds the server or the socket of a delivery, and makes the socket if the connection is new.

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

/** Dispatches the delivery in `meta`. Returns true if no code of the program ran. */
function dispatch(text) {
  const id = meta[1];
  const flags = meta[2];
  if (flags & SERVER_RECORD) {
    servers.get(id)?.onServerRecord(meta[RECORDS], meta[RECORDS + 1], text);
    return false;
  }
  // If there is no record, or the numbers did not fit, that place has a number of an earlier delivery.
  const first = meta[0] > RECORDS && (flags & OVERFLOWN) === 0 ? meta[RECORDS] : 0;
  let socket = socketAt(id);
  if (socket === undefined || (flags & FIRST) !== 0) {
    // Listeners of 'connection' run here. They may cause other deliveries.
    socket = open(id, (flags & FIRST) !== 0 ? meta[5] : native.serverOf(id));
    if (socket === undefined || first === ACCEPTED) return false;
    // Node enters JavaScript once more for the first packet.
    runTicks();
  }
  const behind = socket[kBehind];
  const bytesRead = meta[3];
  socket[kBytesRead] += bytesRead;
  if (first === CLOSED && meta[0] === RECORDS + 1) {
    // If the socket was made just now, code of the program may have run in 'connection'.
    return !closed(socket) && (flags & FIRST) === 0;
  }
  // The head that is dispatched next stops a keep-alive timer, so it is not restarted here.
  if (socket.timeout && !(first === HEAD && socket.parser?.idleTimer?.armed)) restartIdleTimer(socket);
  tell(socket, text);
  if (traits.packetEndsIdleTime && bytesRead > 0) socket.parser?.endIdleTime();
  if (behind) caughtUp(socket);
  return false;
}

/**
 * Makes the socket of a new connection of the server with this id. Returns undefined if the connection has ended or was
 * turned away.
 */
function open(id, server) {
  return servers.get(server)?.onAccept(id);
}

/** The socket of the connection with this id. It is made if the connection is new. */
function socketOf(id) {
  const known = socketAt(id);
  if (known !== undefined) return known;
  const socket = open(id, native.serverOf(id));
  if (socket !== undefined) socket[kBytesRead] += native.takeBytesRead(id);
  return socket;
}

/** Gives Rust the settings of each server again for which the program has changed something that no setter notices. */
function beginTurn() {
  for (const link of servers.values()) {
    if (link.stale()) link.sync();
  }
}

module.exports = { servers, dispatch, socketOf, beginTurn };
