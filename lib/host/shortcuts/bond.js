'use strict';
// The bond of a response with its socket. While a response owns a socket, Node has one 'close' listener more on it. It
// comes and goes with each request; where nobody can see how, `_events` is written to as EventEmitter would.

const { EventEmitter } = require('events');
const { Readable } = require('stream');
const { ServerResponse } = require('http');
const { shortcuts, bondIsPlain } = require('.');

const { assignSocket: plainAssign, detachSocket: plainDetach } = ServerResponse.prototype;
const { on: plainOn, emit: plainEmit } = EventEmitter.prototype;
const { removeListener: plainStreamRemove } = Readable.prototype;

/** That listener, once a response was assigned as Node does it. */
let onSocketClose;

/**
 * As `res.assignSocket(socket)`, for a new response. `onClose` is the connection's own 'close' listener,
 * `on` what the socket has for that method.
 */
function assign(res, socket, onClose, on) {
  const { _events: events } = socket;
  const short = events.close === onClose && events.newListener === undefined && bondIsPlain() &&
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

/** Whether `bond` comes to what Node does for a response that waited for the ones before it. Arguments as of `assign`. */
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

/** As `res.detachSocket(socket)`. */
function detach(res, socket, onClose) {
  const { _events: events } = socket;
  const { close } = events;
  if (Array.isArray(close) && close.length === 2 && close[0] === onClose && close[1] === onSocketClose &&
      events.removeListener === undefined && socket.removeListener === plainStreamRemove && bondIsPlain() &&
      res.detachSocket === plainDetach && socket._httpMessage === res) {
    events.close = onClose;
    socket._httpMessage = null;
    res.socket = null;
  } else {
    res.detachSocket(socket);
  }
}

/** As `res.on('finish', listener)`, for a new response. */
function onFinish(res, listener) {
  if (shortcuts.listen.open && res._eventsCount === 0 && res.on === plainOn) {
    res._events.finish = listener;
    res._eventsCount = 1;
  } else {
    res.on('finish', listener);
  }
}

module.exports = { assign, canBond, bond, detach, onFinish };
