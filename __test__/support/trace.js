'use strict';

// Turns what a server shows into plain data, which can be compared.

const crypto = require('node:crypto');
const net = require('node:net');

const LONGEST_TEXT = 600;

/** Bytes as latin1, long ones as a digest. */
function text(bytes) {
  const latin1 = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
  if (latin1.length <= LONGEST_TEXT) return latin1;
  const digest = crypto.createHash('sha1').update(latin1, 'latin1').digest('hex');
  return `${latin1.slice(0, 80)}... ${latin1.length} bytes, sha1 ${digest}`;
}

/** The bytes on the wire, without what differs in each run. */
function maskWire(wire) {
  return text(wire.replace(/^Date: [^\r\n]+/gm, 'Date: <date>'));
}

function describeValue(key, value) {
  if (key === 'stack') return String(value).split('\n', 1)[0];
  if (Buffer.isBuffer(value)) {
    return { buffer: text(value), ownBuffer: value.buffer.byteLength === value.length };
  }
  if (value instanceof Error) return describeError(value);
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : value;
}

/** An error with its own properties in their order. */
function describeError(err) {
  if (!(err instanceof Error)) return { thrown: String(err) };
  const own = Reflect.ownKeys(err).map((key) => {
    const { enumerable, configurable, writable, get } = Object.getOwnPropertyDescriptor(err, key);
    const attributes = `${enumerable ? 'e' : '-'}${configurable ? 'c' : '-'}` +
      (get ? 'a' : writable ? 'w' : '-');
    return [String(key), attributes, describeValue(key, err[key])];
  });
  return {
    text: String(err),
    isError: err instanceof Error && err.constructor === Error,
    name: err.name,
    keys: Object.keys(err).join(),
    own,
  };
}

/** What a listener can see of a socket. */
function describeSocket(socket) {
  return {
    isSocket: socket instanceof net.Socket,
    writable: socket.writable,
    readable: socket.readable,
    destroyed: socket.destroyed,
    writableEnded: socket.writableEnded,
    readyState: socket.readyState,
    hasParser: socket.parser != null,
    errorListeners: socket.listenerCount('error'),
    responding: socket._httpMessage != null,
    bytesRead: socket.bytesRead,
  };
}

/** The fields of each name; early releases of Node throw at some names. */
function distinct(message, property) {
  try {
    return text(JSON.stringify(entries(message[property])));
  } catch (err) {
    return String(err);
  }
}

function entries(object) {
  return Object.keys(object).map((name) => [name, object[name]]);
}

/** The head of a request. */
function describeRequest(req) {
  return {
    method: req.method,
    url: text(req.url),
    httpVersion: `${req.httpVersion} ${req.httpVersionMajor} ${req.httpVersionMinor}`,
    rawHeaders: text(req.rawHeaders.join('\n')),
    headers: text(JSON.stringify(entries(req.headers))),
    distinct: distinct(req, 'headersDistinct'),
    upgrade: req.upgrade,
    complete: req.complete,
  };
}

function describeTrailers(req) {
  return {
    rawTrailers: text(req.rawTrailers.join('\n')),
    trailers: JSON.stringify(entries(req.trailers)),
    distinct: distinct(req, 'trailersDistinct'),
    complete: req.complete,
  };
}

module.exports = {
  describeError, describeRequest, describeSocket, describeTrailers, maskWire, text,
};
