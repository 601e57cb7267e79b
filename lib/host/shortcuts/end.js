'use strict';
// The steps of `end` of a response, for a response whose head and body leave in one call (lib/connection/response.js).

const { EventEmitter } = require('events');
const process = require('process'); // the global is an accessor, which costs more at each use
const { Duplex } = require('stream');
const { ServerResponse } = require('http');
const { symbols } = require('../symbols');
const { endIsPlain } = require('.');

const { prototype } = ServerResponse;
const { end: plainEnd, assignSocket: plainAssign, _flush: plainFlush, _flushOutput: plainFlushOutput } = prototype;
const plainWrite = Duplex.prototype.write;
const { emit: plainEmit } = EventEmitter.prototype;

/**
 * Whether `end` writes an empty chunk behind the body, which has the callback. Later releases give the callback to the
 * body itself, unless it is chunked. The shortcut is open only if the text of `end` is known.
 */
const endsWithBlank = !Function.prototype.toString.call(plainEnd).includes('finishCallback');

/** Node's `end`, which handles every other case; undefined if somebody has replaced it. */
function inheritedEnd() {
  return prototype.end === plainEnd ? plainEnd : undefined;
}

/** Whether nothing of the response has left or waits. */
function isUnsent(res) {
  return !(res.finished || res.destroyed || res._headerSent || res.outputData.length !== 0 || res.strictContentLength ||
    res.writableCorked > 0);
}

function owns(res, socket) {
  return socket._httpMessage === res;
}

/** Whether nobody has replaced a function that the shortcut leaves out. */
function isUnpatched(socket) {
  return socket.write === plainWrite && endIsPlain();
}

/** The text of the head; null or undefined before it is made. */
function headOf(res) {
  return res._header;
}

/**
 * Makes the head of a response whose body has `length` bytes. It calls the method of the instance, because the program
 * may have replaced writeHead.
 */
function makeHead(res, length) {
  res._contentLength = length;
  res._implicitHeader();
}

function hasBody(res) {
  return res._hasBody;
}

function trailerOf(res) {
  return res._trailer;
}

function setHeadSent(res, sent) {
  res._headerSent = sent;
}

/** Notes that the response has left. */
function complete(res) {
  res.finished = true;
  process.nextTick(finish, res);
  res._finish();
}

/** Whether a response is complete and waits for its socket, and nobody can see how it leaves. */
function isQueuedPlain(res, socket) {
  return res.finished && !(res.writableCorked > 0) && res.outputData.length > 0 &&
    res.assignSocket === plainAssign && res._flush === plainFlush && res._flushOutput === plainFlushOutput &&
    res._events.socket === undefined && res.emit === plainEmit && res.outputSize < socket.writableHighWaterMark;
}

/** The chunks that the program has written. */
function queuedOf(res) {
  return res.outputData;
}

/** Writes the queued chunks as Node does. */
function flushQueued(res) {
  res._flush();
}

/** Notes that the queued chunks have left. */
function completeQueued(res) {
  const { outputData } = res;
  res.outputData = [];
  res._onPendingData(-res.outputSize);
  res.outputSize = 0;
  process.nextTick(callBack, outputData);
  res._finish();
}

function callBack(outputData) {
  for (const { callback } of outputData) callback?.(null);
}

function finish(res) {
  const { socket } = res;
  if (symbols.endCallbacks === undefined) {
    if (socket?._hadError) return;
  } else {
    if (res.errored || socket?.errored || socket?._hadError) {
      const error = res.errored ?? socket?.errored ?? streamDestroyed();
      res[symbols.flushError] = error;
      callEndCallbacks(res, error);
      return;
    }
    res[symbols.writableFinished] = true;
    callEndCallbacks(res, null);
  }
  res.emit('finish');
}

/** Calls the callbacks of later calls of `end`. */
function callEndCallbacks(res, error) {
  const callbacks = res[symbols.endCallbacks];
  if (callbacks === null) return;
  res[symbols.endCallbacks] = null;
  for (const callback of callbacks) callback(error);
}

/** The error that Node's `end` gives to callbacks if the response will never be complete. */
function streamDestroyed() {
  const error = new Error('Cannot call end after a stream was destroyed');
  error.code = 'ERR_STREAM_DESTROYED';
  return error;
}

module.exports = {
  endsWithBlank, inheritedEnd, isUnsent, owns, isUnpatched, headOf, makeHead, hasBody, trailerOf, setHeadSent, complete,
  isQueuedPlain, queuedOf, flushQueued, completeQueued,
};
