'use strict';
// The sockets of connections, by the ids of these.

const { kKey } = require('./keys');

/**
 * Sockets that deliveries may be about, by the part of a connection's id that is its place. The rest of
 * the id tells the connections that had that place apart.
 */
const sockets = [];
const PLACE = 2 ** 22 - 1;

/** The socket of a connection, if it was made. */
function socketAt(id) {
  const socket = sockets[id & PLACE];
  return socket !== undefined && socket[kKey] === id ? socket : undefined;
}

/** No delivery is about this socket any more; its id may be given to another connection. */
function forget(socket) {
  const place = socket[kKey] & PLACE;
  if (sockets[place] === socket) sockets[place] = undefined;
}

/** Deliveries may be about this socket from here on. */
function remember(socket) {
  sockets[socket[kKey] & PLACE] = socket;
}

module.exports = { socketAt, remember, forget };
