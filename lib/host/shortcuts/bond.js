'use strict';
// Gives a response its socket, and takes it away. While a response owns a socket, Node has one more 'close' listener on
// the socket, which is added and removed for each request. If nobody can see that, this file changes `_events` itself,
// as EventEmitter would.

const { EventEmitter } = require('events');
const { Readable } = require('stream');
const { ServerResponse } = require('http');
const { shortcuts, bondIsPlain } = require('.');

const { assignSocket: plainAssign, detachSocket: plainDetach } = ServerResponse.prototype;
const { on: plainOn, emit: plainEmit } = EventEmitter.prototype;
const { removeListener: plainStreamRemove } = Readable.prototype;

/** That listener. It is known after Node itself has assigned a response. */
let onSocketClose;

/**
 * Does what `res.assignSocket(socket)` does for a new response. `onClose` is the connection's own 'close' listener, and
 * `on` is the method `on` that the connection has set on the socket.
 */
function assign(res, socket, onClose, on) {
  const { _events: events } = socket;
  const short = bondIsPlain() && events.close === onClose && events.newListener === undefined &&
    socket._maxListeners === undefined && socket.on === on &&
    res.assignSocket === plainAssign && res.emit === plainEmit && res._eventsCount === 0 &&
    res.outputData.length === 0 && !res.finished;
  if (!short || onSocketClose === undefined) {
    res.assignSocket(socket);
    if (short && events.close.length === 2) onSocketClose = events.close[1];
    return;
  }
  bond(res, socket, onClose);
}

/**
 * Whether `bond` does what Node does for a response that had to wait for earlier ones. The arguments are those of
 * `assign`.
 */
function canBond(socket, onClose, on) {
  const { _events: events } = socket;
  return !socket._httpMessage && socket.on === on && events.close === onClose && onSocketClose !== undefined &&
    events.newListener === undefined && socket._maxListeners === undefined && bondIsPlain();
}

function bond(res, socket, onClose) {
  socket._httpMessage = res;
  socket._events.close = [onClose, onSocketClose];
  res.socket = socket;
}

/** Does what `res.detachSocket(socket)` does. */
function detach(res, socket, onClose) {
  const { _events: events } = socket;
  const { close } = events;
  if (bondIsPlain() && Array.isArray(close) && close.length === 2 && close[0] === onClose && close[1] === onSocketClose &&
      events.removeListener === undefined && socket.removeListener === plainStreamRemove &&
      res.detachSocket === plainDetach && socket._httpMessage === res) {
    events.close = onClose;
    socket._httpMessage = null;
    res.socket = null;
  } else {
    res.detachSocket(socket);
  }
}

/** Does what `res.on('finish', listener)` does for a new response. */
function onFinish(res, listener) {
  if (shortcuts.listen.open && res._eventsCount === 0 && res.on === plainOn) {
    res._events.finish = listener;
    res._eventsCount = 1;
  } else {
    res.on('finish', listener);
  }
}

module.exports = { assign, canBond, bond, detach, onFinish };
