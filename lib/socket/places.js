'use strict';
// The sockets of connections, by the ids of the connections.

const { kKey } = require('./keys');

/**
 * The sockets that deliveries may be about. The index is the place, a part of the connection's id. The rest of the id
 * distinguishes the connections that have had this place.
 */
const sockets = [];
const PLACE = 2 ** 22 - 1;

/** The socket of a connection; undefined if it was not made. */
function socketAt(id) {
  const socket = sockets[id & PLACE];
  return socket !== undefined && socket[kKey] === id ? socket : undefined;
}

/** No delivery will be about this socket any more. Its place may be given to another connection. */
function forget(socket) {
  const place = socket[kKey] & PLACE;
  if (sockets[place] === socket) sockets[place] = undefined;
}

/** From now on deliveries may be about this socket. */
function remember(socket) {
  sockets[socket[kKey] & PLACE] = socket;
}

module.exports = { socketAt, remember, forget };
