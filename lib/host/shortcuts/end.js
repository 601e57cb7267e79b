'use strict';
// What `end` of a response comes to, step by step, for a response whose head and body leave in one call
// (lib/connection/response.js).

const { EventEmitter } = require('events');
const { Duplex } = require('stream');
const { ServerResponse } = require('http');
const { symbols } = require('../symbols');
const { endIsPlain } = require('.');

const { prototype } = ServerResponse;
const { end: plainEnd, assignSocket: plainAssign, _flush: plainFlush, _flushOutput: plainFlushOutput } = prototype;
const plainWrite = Duplex.prototype.write;
const { emit: plainEmit } = EventEmitter.prototype;

/** The `end` that every other case goes to; undefined if somebody has put another in its place since. */
function inheritedEnd() {
  return prototype.end === plainEnd ? plainEnd : undefined;
}

/** Nothing of the response has left or waits. */
function isUnsent(res) {
  return !(res.finished || res.destroyed || res._headerSent || res.outputData.length !== 0 || res.strictContentLength ||
    res.writableCorked > 0);
}

function owns(res, socket) {
  return socket._httpMessage === res;
}

/** Nobody wants to see the calls that the short way leaves out. */
function isUnpatched(socket) {
  return socket.write === plainWrite && endIsPlain();
}

/** The text of the head; null or undefined before it is made. */
function headOf(res) {
  return res._header;
}

/** Makes the head of a response whose body has so many bytes, through the instance, whose writeHead may have been replaced. */
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

/** The response has left. */
function complete(res) {
  res.finished = true;
  process.nextTick(finish, res);
  res._finish();
}

/** A response that is complete and waits for its socket: nobody wants to see how it leaves. */
function isQueuedPlain(res, socket) {
  return res.finished && !(res.writableCorked > 0) && res.outputData.length > 0 &&
    res.assignSocket === plainAssign && res._flush === plainFlush && res._flushOutput === plainFlushOutput &&
    res._events.socket === undefined && res.emit === plainEmit && res.outputSize < socket.writableHighWaterMark;
}

/** What the program has written so far. */
function queuedOf(res) {
  return res.outputData;
}

/** What was queued is written as Node does it. */
function flushQueued(res) {
  res._flush();
}

/** What was queued has left. */
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

/** Calls back whoever called `end` once more since, with a callback. */
function callEndCallbacks(res, error) {
  const callbacks = res[symbols.endCallbacks];
  if (callbacks === null) return;
  res[symbols.endCallbacks] = null;
  for (const callback of callbacks) callback(error);
}

/** The error that Node's own end() has for callers whose response will never be complete. */
function streamDestroyed() {
  const error = new Error('Cannot call end after a stream was destroyed');
  error.code = 'ERR_STREAM_DESTROYED';
  return error;
}

module.exports = {
  inheritedEnd, isUnsent, owns, isUnpatched, headOf, makeHead, hasBody, trailerOf, setHeadSent, complete,
  isQueuedPlain, queuedOf, flushQueued, completeQueued,
};
