'use strict';
// Methods and listeners that a socket has while it speaks HTTP: they pause and resume it, and notice when the program
// wants its bytes.

const { handleOf, isThrottled, readHandle, stopHandle } = require('../host/sockets');
const { Socket } = require('../socket');
const { handOver } = require('../socket/hand-over');
const { setReading } = require('../socket/hold');
const { kId } = require('../socket/keys');

function onSocketResume() {
  if (isThrottled(this)) {
    this.pause();
    return;
  }
  if (this[kId] >= 0) {
    setReading(this, true);
  } else {
    readHandle(handleOf(this));
  }
}

function onSocketPause() {
  if (this[kId] >= 0) {
    setReading(this, false);
  } else {
    stopHandle(handleOf(this));
  }
}

/** Lets the program have the bytes: from now on reading goes through the stream, with the stream's flow control. */
function unconsume(socket) {
  if (socket[kId] >= 0) handOver(socket);
  if (socket.parser) {
    socket.parser.consumed = false;
    socket.parser.feed?.release?.();
  }
  socket.removeListener('pause', onSocketPause);
  socket.removeListener('resume', onSocketResume);
}

// A listener for 'data' or 'readable' makes Rust stop reading, as it makes Node's parser 'unconsume' the handle.
function wrapListener(name) {
  return function (event, listener) {
    const result = Socket.prototype[name].call(this, event, listener);
    if (!this.parser) {
      delete this.on;
      delete this.addListener;
      delete this.prependListener;
    } else if (event === 'data' || event === 'readable') {
      unconsume(this);
    }
    return result;
  };
}
const socketOn = wrapListener('on');
const socketAddListener = wrapListener('addListener');
const socketPrependListener = wrapListener('prependListener');

function socketSetEncoding() {
  const error = new Error('Changing the socket encoding is not allowed per RFC7230 Section 3.');
  error.code = 'ERR_HTTP_SOCKET_ENCODING';
  throw error;
}

module.exports = {
  onSocketPause, onSocketResume, socketOn, socketAddListener, socketPrependListener, socketSetEncoding, unconsume,
};
