'use strict';
// Named functions for what Node keeps on requests and responses.

const { OutgoingMessage } = require('http');
const { symbols } = require('./symbols');
const { traits } = require('./traits');

// --- requests ----------------------------------------------------------------------------------------

function addLines(req, lines, count) {
  req._addHeaderLines(lines, count);
}

/**
 * The value of a field, as Node's server looks at it. Where `headers` is made when the program asks for it, the server
 * reads the lines instead, so that the program may still change them.
 */
function fieldOf(req, name) {
  if (!traits.makesHeadersLate) return req.headers[name];
  const { rawHeaders } = req;
  const length = req[symbols.headersCount];
  let value;
  for (let i = 0; i < length; i += 2) {
    if (rawHeaders[i].length !== name.length || rawHeaders[i].toLowerCase() !== name) continue;
    value = value === undefined ? rawHeaders[i + 1] : `${value}, ${rawHeaders[i + 1]}`;
  }
  return value;
}

/** Whether the body is dropped. */
function isDumped(req) {
  return req._dumped;
}

/** Whether nobody has begun to read the body. */
function isUnread(req) {
  return !req._consuming && !req._readableState.resumeScheduled;
}

/** Reads and drops the rest of the body. */
function dump(req) {
  req._dump();
}

/** Ends a request that announces no body at once, if the server has Node's option `optimizeEmptyRequests`. */
function dumpIfEmpty(server, req) {
  if (symbols.optimizeEmptyRequests === undefined || server[symbols.optimizeEmptyRequests] !== true) return;
  if (fieldOf(req, 'content-length') !== undefined || fieldOf(req, 'transfer-encoding') !== undefined) return;
  req._dumpAndCloseReadable();
  req._read();
}

function detachAbortSignal(req) {
  if (symbols.detachAbortSignal !== undefined) req[symbols.detachAbortSignal]?.();
}

// --- responses ---------------------------------------------------------------------------------------

/** Sets what a new response gets from its server and its connection. */
function prepare(res, server, onPendingData, keepAlive) {
  res._keepAliveTimeout = server.keepAliveTimeout;
  res._maxRequestsPerSocket = server.maxRequestsPerSocket;
  res._onPendingData = onPendingData;
  res.shouldKeepAlive = keepAlive;
  res[symbols.uniqueHeaders] = server[symbols.uniqueHeaders];
}

/** Notes that the client waits for '100 Continue'. */
function expectsContinue(res) {
  res._expect_continue = true;
}

/** Makes the connection end after this response. */
function makeLast(res) {
  res._last = true;
}

function isLast(res) {
  return res._last;
}

function headHasLeft(res) {
  return Boolean(res?._headerSent);
}

function emitDrain(res) {
  res[symbols.needDrain] = false;
  res.emit('drain');
}

function awaitsDrain(res) {
  return res[symbols.needDrain];
}

/** Emits 'close', unless it was emitted. */
function emitClose(res) {
  if (res._closed) return;
  res.destroyed = true;
  res._closed = true;
  res.emit('close');
}

/**
 * Emits Node's warning that parsing is lenient, once in a process. Returns false if responses of this release emit
 * none.
 */
function warnOfLeniency() {
  const message = new OutgoingMessage();
  if (message._isLenientHeaderValidation === undefined) return false;
  message._isLenientHeaderValidation();
  return true;
}

module.exports = {
  addLines, fieldOf, isDumped, isUnread, dump, dumpIfEmpty, detachAbortSignal,
  prepare, expectsContinue, makeLast, isLast, headHasLeft, emitDrain, awaitsDrain, emitClose, warnOfLeniency,
};
