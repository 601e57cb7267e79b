'use strict';
// Named functions for what Node keeps on sockets, and for what it asks of a socket whose descriptor Rust owns.

const net = require('net');
const { _errnoException: errnoException } = require('util');
const { symbols, onread } = require('./symbols');

const { prototype: base } = net.Socket;
const handleAccessor = Object.getOwnPropertyDescriptor(base, '_handle');
const pendingAccessor = Object.getOwnPropertyDescriptor(base, '_bytesDispatched');

// --- the idle timer ----------------------------------------------------------------------------------

/** Restarts the idle timer, if there is one, because the socket was active. */
function restartIdleTimer(socket) {
  if (socket.timeout) socket._unrefTimer();
}

function idleTimerOf(socket) {
  return socket[symbols.timeout];
}

function hasEnded(timer) {
  return timer._destroyed;
}

/** Closes the idle timer. It does not use clearTimeout(), which the program's tests may have replaced. */
function closeIdleTimer(socket) {
  socket[symbols.timeout]?.close();
}

// --- HTTP on it --------------------------------------------------------------------------------------

/** The response that owns the socket, or null or undefined. */
function responseOn(socket) {
  return socket._httpMessage;
}

/** Whether reading was stopped because the client sends requests without reading responses. */
function isThrottled(socket) {
  return socket._paused;
}

function setThrottled(socket, on) {
  socket._paused = on;
}

/** The net.Server that accepted a socket. `socket.server` is the HTTP server. */
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

/** Whether nothing is queued or corked in the socket's stream, it has not ended, and its strings are UTF-8. */
function isWritableIdle(socket) {
  const state = socket._writableState;
  return state.length === 0 && !state.writing && state.corked === 0 && !state.ending && !state.destroyed && !state.errored &&
    state.defaultEncoding === 'utf8';
}

/** Whether the program has paused the socket. `socket.isPaused()` is not called, because Node does not call it here. */
function isPaused(socket) {
  return socket.readableFlowing === false;
}

// --- its handle --------------------------------------------------------------------------------------

/** The libuv handle of a socket. To ask for it hands a native socket over. */
function handleOf(socket) {
  return socket._handle;
}

/** Whether the socket has a handle that a parser can read instead of the stream. */
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

const SOCKET = 0; // the type of a handle that is connected, not listening

/** The classes of handles, TCP and Pipe, by name. A handle of each kind is seen before there is a connection of it. */
const classes = new Map();

/** Notes the class of a handle that Node has made. */
function learnHandle({ constructor }) {
  if (!classes.has(constructor.name)) classes.set(constructor.name, constructor);
}

/** Calls `callback` in the next closing phase of the event loop. */
function inNextClosingPhase(callback) {
  const [Handle] = classes.values();
  new Handle(SOCKET).close(callback);
}

/**
 * Gives a socket a handle for a descriptor, and returns the handle. It does not read yet. This is what `new net.Socket`
 * does with an `fd`; another socket would be seen by a program that counts calls of Node's functions.
 */
function openHandle(socket, fd, isInternet) {
  const Handle = classes.get(isInternet ? 'TCP' : 'Pipe');
  const handle = new Handle(SOCKET);
  const error = handle.open(fd);
  if (error) throw errnoException(error, 'open');
  handle[symbols.owner] = socket;
  handle.onread = onread;
  handle.reading = false;
  socket._handle = handle;
  socket[symbols.asyncId] = handle.getAsyncId();
  return handle;
}

/** Writes as net.Socket does through its handle. */
function writeThroughHandle(socket, chunks, callback) {
  base._writev.call(socket, chunks, callback);
}

function endThroughHandle(socket, callback) {
  base._final.call(socket, callback);
}

/**
 * Defines the internals that Node uses on the sockets of a class, each by a function of the socket. `timeout` is called
 * when the idle timer fires.
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

/** The same functions of net.Socket. */
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
  needsDrain, isWritableIdle, isPaused,
  handleOf, hasStreamHandle, readHandle, stopHandle, learnHandle, inNextClosingPhase, openHandle, writeThroughHandle, endThroughHandle,
  defineInternals, inherited, isResetting, setResetting, rememberedPeer, rememberPeer, rememberedLocal, rememberLocal,
};
