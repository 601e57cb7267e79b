'use strict';
// What happens when JavaScript learns of a connection: its socket is made, and listeners hear of it.

const dc = require('diagnostics_channel');
const { nodeConnectionListener } = require('../host');
const { exchangeListener, listenersOf } = require('../host/emitters');
const { isBlocked } = require('../host/servers');
const { setAcceptedBy } = require('../host/sockets');
const { native: engine } = require('../engine');
const { connectionListener } = require('../connection');
const { Socket } = require('../socket');
const { handOver } = require('../socket/hand-over');
const { setReading } = require('../socket/hold');
const { kId } = require('../socket/keys');

const socketChannel = dc.channel('net.server.socket');

/** Makes the socket of a native connection and announces it. Returns undefined if the connection was turned away. */
function accept(link, id) {
  const { server } = link;
  if (link.screens && turnsAway(link, id)) return undefined;
  const socket = new Socket(id, {
    allowHalfOpen: server.allowHalfOpen,
    readableHighWaterMark: server.highWaterMark,
    writableHighWaterMark: server.highWaterMark,
    // net.Socket sets these in any case. If they are missing, it copies the options, which takes 20 us on Node 20.
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
  });
  socket.server = server;
  setAcceptedBy(socket, server);
  if (server.pauseOnConnect) {
    setReading(socket, false);
    socket.readableFlowing = false;
  }
  if (listenersOf(server, 'connection') !== connectionListener && !announce(link, socket)) return socket;
  try {
    server.emit('connection', socket);
  } finally {
    // No listener speaks HTTP on it yet, so the socket becomes an ordinary one of net.Server.
    if (socket[kId] >= 0 && !socket.parser) handOver(socket);
  }
  if (socketChannel.hasSubscribers) socketChannel.publish({ socket });
  return socket;
}

/**
 * Prepares a socket for 'connection' listeners of the program. It returns false if the socket was read before they were
 * added: then the socket was accepted before that, too, so it is served here and they do not hear of it.
 */
function announce({ server }, socket) {
  if (server.listeners('connection').includes(connectionListener)) return true;
  if (!engine.isFresh(socket[kId])) {
    connectionListener.call(server, socket);
    return false;
  }
  handOver(socket);
  return true;
}

/**
 * Makes the checks that Rust leaves to JavaScript while there is a block list, in Node's order. A blocked connection
 * does not count. Returns true if the connection was turned away.
 */
function turnsAway(link, id) {
  const { server } = link;
  const limit = link.limit();
  const open = link.native.connections;
  const peer = engine.address(id, true);
  if (engine.admit(id) && limit !== -1 && open >= limit) {
    const own = engine.address(id, false);
    noteDrop(link, peer, own, open);
    engine.close(id);
    dropped(server, ...(own ?? []), ...(peer ?? []));
    return true;
  }
  if (!isBlocked(server, peer?.[0], peer?.[2])) return false;
  noteDrop(link, peer, engine.address(id, false), -1);
  engine.close(id);
  return true;
}

/** Notes it with addresses as the engine tells them. */
function noteDrop(link, peer, own, open) {
  const [address, port] = peer ?? [];
  const [localAddress, localPort] = own ?? [];
  link.noteDrop({ address, port }, { address: localAddress, port: localPort }, open);
}

/** Emits 'drop' for a connection beyond `maxConnections`. */
function dropped(server, localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily) {
  server.emit('drop', {
    __proto__: null,
    localAddress, localPort: Number(localPort), localFamily,
    remoteAddress, remotePort: Number(remotePort), remoteFamily,
  });
}

/** Replaces Node's connection listener with ours. The order of `eventNames()` does not change. */
function replaceListener(server, event) {
  if (listenersOf(server, event) === nodeConnectionListener) {
    exchangeListener(server, event, connectionListener);
  } else {
    server.removeListener(event, nodeConnectionListener);
    server.on(event, connectionListener);
  }
}

module.exports = { accept, dropped, replaceListener, socketChannel };
