'use strict';
// A request and its response: from the complete head to 'request', and from the end of the response to the next one.

const dc = require('diagnostics_channel');
const process = require('process'); // the global is an accessor, which costs more at each use
const { IncomingMessage, ServerResponse, traits } = require('../host');
const {
  addLines, fieldOf, isUnread, dump, dumpIfEmpty, detachAbortSignal, prepare, expectsContinue, isLast, emitClose,
} = require('../host/messages');
const { requestClass, responseClass } = require('../host/servers');
const { assign, detach, onFinish } = require('../host/shortcuts/bond');
const { isSpent, dumpSpent } = require('../host/shortcuts/dump');
const { Request, settle } = require('../host/shortcuts/headers');
const { isThrottled, setThrottled, needsDrain, responseOn } = require('../host/sockets');
const { Response, assignQueued } = require('./response');
const { socketOn } = require('./listeners');

const requestStart = dc.channel('http.server.request.start');
const responseFinish = dc.channel('http.server.response.finish');

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

/** Makes the request for a head, and sets `connection.incoming` to it. */
function makeRequest(connection, method, url, version, rawHeaders, upgrade) {
  const { server, socket, maxHeaderPairs } = connection;
  const major = version >> 8;
  const minor = version & 255;
  const Message = requestClass(server) ?? IncomingMessage;
  const isOwn = Message === IncomingMessage;
  const req = new (isOwn ? Request : Message)(socket);
  connection.incoming = req;
  connection.isOwn = isOwn;
  req.httpVersionMajor = major;
  req.httpVersionMinor = minor;
  req.httpVersion = major === 1 && minor === 1 ? '1.1' : `${major}.${minor}`;
  req.joinDuplicateHeaders = server.joinDuplicateHeaders;
  req.url = url;
  req.upgrade = upgrade;
  if (connection.flushed) truncate(connection, rawHeaders);
  const n = rawHeaders.length;
  addLines(req, rawHeaders, maxHeaderPairs > 0 && n > maxHeaderPairs ? maxHeaderPairs : n);
  req.method = method;

  if (connection.idleTimer.armed) connection.idleTimer.disarm();
  return req;
}

/** Drops the lines beyond `maxHeadersCount`, if this release of Node does so. */
function truncate({ maxHeaderPairs }, lines) {
  if (traits.manyFields === 'truncate' && maxHeaderPairs > 0 && lines.length > maxHeaderPairs) {
    lines.length = maxHeaderPairs;
  }
}

/** Decides whether the program accepts an upgrade or CONNECT, and sets `req.upgrade`. */
function wantsUpgrade(connection, req) {
  const { server } = connection;
  if (req.method === 'CONNECT') req.upgrade = true;
  else if (typeof server.shouldUpgradeCallback === 'function') {
    connection.isOwn = false; // the program gets the request before the fields are looked at
    req.upgrade = !!server.shouldUpgradeCallback(req);
  } else req.upgrade = server.listenerCount('upgrade') > 0;
  return req.upgrade;
}

/** Makes the response, and emits 'request' unless the server itself answers. */
function serve(connection, req, keepAlive, hasHost, hasExpect) {
  const { server, socket, maxHeaderPairs } = connection;
  connection.requests.push(req);

  // Stops reading if the client sends requests without reading responses.
  if (!isThrottled(socket) && (needsDrain(socket) || connection.queuedBytes >= socket.writableHighWaterMark)) {
    setThrottled(socket, true);
    socket.pause();
  }

  const Class = responseClass(server);
  const res = new (Class === ServerResponse ? Response : Class)(req, {
    highWaterMark: socket.writableHighWaterMark,
    rejectNonStandardBodyWrites: server.rejectNonStandardBodyWrites,
  });
  prepare(res, server, connection.onPendingData, keepAlive);

  const isWatched = requestStart.hasSubscribers;
  if (isWatched) requestStart.publish({ request: req, response: res, socket, server });

  if (!traits.makesHeadersLate) settle(req);
  if (!connection.isOwn || isWatched || (maxHeaderPairs > 0 && req.rawHeaders.length >= maxHeaderPairs)) {
    // The flags of the head include lines that were dropped, and do not know what a program has changed.
    hasHost = fieldOf(req, 'host') !== undefined;
    hasExpect = fieldOf(req, 'expect') !== undefined;
  }
  dumpIfEmpty(server, req);

  if (responseOn(socket)) connection.queue.push(res);
  else assign(res, socket, connection.onClose, socketOn);

  onFinish(res, () => finished(connection, req, res));

  if (req.httpVersionMajor === 1 && req.httpVersionMinor === 1 && answeredByServer(connection, req, res, hasHost, hasExpect)) {
    return;
  }
  server.emit('request', req, res);
}

/**
 * Makes the checks that Node makes for HTTP/1.1 requests. Returns true if one of them has answered the request, or
 * emitted its event.
 */
function answeredByServer(connection, req, res, hasHost, hasExpect) {
  const { server, socket } = connection;
  if (server.requireHostHeader && !hasHost) { // RFC 9112, section 3.2
    res.writeHead(400, ['Connection', 'close']);
    res.end();
    return true;
  }

  const max = server.maxRequestsPerSocket;
  if (typeof max === 'number' && max > 0) {
    connection.requestCount++;
    res.maxRequestsOnConnectionReached = max <= connection.requestCount;
    if (max < connection.requestCount) {
      server.emit('dropRequest', req, socket);
      res.writeHead(503);
      res.end();
      return true;
    }
  }

  if (!hasExpect) return false;
  if (CONTINUE.test(fieldOf(req, 'expect'))) {
    expectsContinue(res);
    if (server.listenerCount('checkContinue') > 0) {
      server.emit('checkContinue', req, res);
      return true;
    }
    res.writeContinue();
    return false;
  }
  if (server.listenerCount('checkExpectation') > 0) {
    server.emit('checkExpectation', req, res);
  } else {
    res.writeHead(417);
    res.end();
  }
  return true;
}

/** 'finish': the operating system has the whole response. */
function finished(connection, req, res) {
  const { server, socket, queue } = connection;
  if (responseFinish.hasSubscribers) responseFinish.publish({ request: req, response: res, socket, server });
  detachAbortSignal(req);
  connection.requests.shift();

  // A request body that nobody reads is read and dropped.
  let unread = isUnread(req);
  if (unread && !isSpent(req)) {
    unread = false;
    dump(req);
  }

  detach(res, socket, connection.onClose);
  if (connection.incoming === req && socket.parser === connection) {
    if (unread || req.readableEnded) connection.incoming = null;
    else req.on('end', () => { if (connection.incoming === req) connection.incoming = null; });
  }
  process.nextTick(afterFinish, res, unread ? req : null);

  if (isLast(res)) {
    if (typeof socket.destroySoon === 'function') socket.destroySoon();
    else socket.end();
  } else if (queue.length > 0) {
    assignQueued(queue.shift(), socket, connection.onClose, socketOn);
  } else {
    const timeout = traits.finiteKeepAlive ? finiteOr(server.keepAliveTimeout, 0) : server.keepAliveTimeout;
    if (timeout && typeof socket.setTimeout === 'function') {
      connection.idleTimer.arm(timeout + (traits.constantBuffer ?? finiteOr(server.keepAliveTimeoutBuffer, 1000)));
    }
  }
}

function finiteOr(value, otherwise) {
  return Number.isFinite(value) && value >= 0 ? value : otherwise;
}

function afterFinish(res, unread) {
  if (unread !== null) dumpSpent(unread);
  emitClose(res);
}

module.exports = { makeRequest, truncate, wantsUpgrade, serve };
