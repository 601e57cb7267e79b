'use strict';
// What Node keeps on sockets, and what it asks of a socket whose handle is ours.

const net = require('net');
const { symbols } = require('./symbols');

const { prototype: base } = net.Socket;
const handleAccessor = Object.getOwnPropertyDescriptor(base, '_handle');
const pendingAccessor = Object.getOwnPropertyDescriptor(base, '_bytesDispatched');

// --- the idle timer ----------------------------------------------------------------------------------

/** Activity: the idle timer starts anew, if there is one. */
function restartIdleTimer(socket) {
  if (socket.timeout) socket._unrefTimer();
}

function idleTimerOf(socket) {
  return socket[symbols.timeout];
}

function hasEnded(timer) {
  return timer._destroyed;
}

/** Not clearTimeout(), which a program's tests may have replaced. */
function closeIdleTimer(socket) {
  socket[symbols.timeout]?.close();
}

// --- HTTP on it --------------------------------------------------------------------------------------

/** The response that owns the socket; null or undefined if none does. */
function responseOn(socket) {
  return socket._httpMessage;
}

/** Whether reading was stopped for a client that sends requests without reading responses. */
function isThrottled(socket) {
  return socket._paused;
}

function setThrottled(socket, on) {
  socket._paused = on;
}

/** The net.Server of a socket; `socket.server` is that of HTTP. */
function acceptedBy(socket) {
  return socket._server;
}

function setAcceptedBy(socket, server) {
  socket._server = server;
}

// --- its streams -------------------------------------------------------------------------------------

function needsDrain(socket) {
  return socket._writableState.needDrain;
}

/** Nothing is queued, corked or over in the socket's stream, and strings are UTF-8 there. */
function isWritableIdle(socket) {
  const state = socket._writableState;
  return state.length === 0 && !state.writing && state.corked === 0 && !state.ending && !state.destroyed && !state.errored &&
    state.defaultEncoding === 'utf8';
}

// --- its handle --------------------------------------------------------------------------------------

/** A libuv handle, or one of ours that becomes one. */
function handleOf(socket) {
  return socket._handle;
}

/** Whether the socket's bytes come from a handle that its stream does not have to read. */
function hasStreamHandle(socket) {
  return Boolean(socket._handle?.isStreamBase);
}

function readHandle(handle) {
  if (!handle || handle.reading) return;
  handle.reading = true;
  handle.readStart();
}

function stopHandle(handle) {
  if (!handle?.reading) return;
  handle.reading = false;
  handle.readStop();
}

/** Gives a socket a handle for a descriptor, which does not read yet; the handle. */
function openHandle(socket, fd) {
  const carrier = new net.Socket({ fd, manualStart: true, allowHalfOpen: true });
  const handle = carrier._handle;
  for (const symbol of Object.getOwnPropertySymbols(handle)) {
    if (handle[symbol] === carrier) handle[symbol] = socket; // the owner, to whom reads are reported
  }
  carrier._handle = null;
  socket._handle = handle;
  socket[symbols.asyncId] = handle.getAsyncId();
  handle.reading = false;
  return handle;
}

/** As net.Socket writes and ends through its handle. */
function writeThroughHandle(socket, chunks, callback) {
  base._writev.call(socket, chunks, callback);
}

function endThroughHandle(socket, callback) {
  base._final.call(socket, callback);
}

/**
 * Defines on a class what Node asks of its sockets' internals, each a function of the socket. `timeout` is called when
 * the idle timer fires.
 */
function defineInternals(Class, { handle, setHandle, bytesDispatched, peerName, localName, timeout }) {
  Object.defineProperties(Class.prototype, {
    _handle: {
      get() { return handle(this); },
      set(value) { setHandle(this, value); },
      configurable: true,
    },
    _bytesDispatched: { get() { return bytesDispatched(this); }, configurable: true },
    _getpeername: { value: function () { return peerName(this); }, writable: true, configurable: true },
    _getsockname: { value: function () { return localName(this); }, writable: true, configurable: true },
    _onTimeout: { value: function () { timeout(this); }, writable: true, configurable: true },
  });
}

/** What net.Socket has for the same. */
const inherited = {
  handle: (socket) => handleAccessor.get.call(socket),
  setHandle: (socket, value) => handleAccessor.set.call(socket, value),
  bytesDispatched: (socket) => pendingAccessor.get.call(socket),
  peerName: (socket) => base._getpeername.call(socket),
  localName: (socket) => base._getsockname.call(socket),
  timeout: (socket) => base._onTimeout.call(socket),
};

/** Whether the connection is to end with RST. */
function isResetting(socket) {
  return socket.resetAndClosing;
}

function setResetting(socket, on) {
  socket.resetAndClosing = on;
}

/** The addresses that net.Socket remembers. */
function rememberedPeer(socket) {
  return socket._peername;
}

function rememberPeer(socket, name) {
  return (socket._peername = name);
}

function rememberedLocal(socket) {
  return socket._sockname;
}

function rememberLocal(socket, name) {
  return (socket._sockname = name);
}

module.exports = {
  restartIdleTimer, idleTimerOf, hasEnded, closeIdleTimer,
  responseOn, isThrottled, setThrottled, acceptedBy, setAcceptedBy,
  needsDrain, isWritableIdle,
  handleOf, hasStreamHandle, readHandle, stopHandle, openHandle, writeThroughHandle, endThroughHandle,
  defineInternals, inherited, isResetting, setResetting, rememberedPeer, rememberPeer, rememberedLocal, rememberLocal,
};
