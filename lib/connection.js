'use strict';
// One HTTP connection: from parsed heads to 'request', and what its socket's events mean.
//
// It is `socket.parser` while HTTP is spoken. Records come from Rust's connection task
// (dispatch.js), or from a NativeParser that it feeds itself: for sockets that Rust does not
// read (injected Duplexes, TLS) or no longer reads (handed over).

const { AsyncResource } = require('async_hooks');
const dc = require('diagnostics_channel');
const { debuglog } = require('util');
const {
  IncomingMessage, ServerResponse, nodeConnectionListener, symbols, traits, dumpIsPlain, endedIsPlain, idleIsPlain,
  ioIsPlain, reader,
} = require('./host');
const { abortedError, internalError, socketOnError, kServer } = require('./client-error');
const { Socket, handOver, setReading, kId, kEnded, kBehind } = require('./socket');
const { NativeParser } = require('./native');
const { warn, warningIsDue } = require('./lenient');
const engine = require('./engine');
const { HEADER_PAIRS } = require('./layout').limit;
const { Queue } = require('./queue');
const { Request } = require('./request');
const { Response, assign, assignQueued, detach, onFinish } = require('./response');
const { UpgradeStream } = require('./upgrade');

const requestStart = dc.channel('http.server.request.start');
const responseFinish = dc.channel('http.server.response.finish');

const debug = debuglog('http'); // NODE_DEBUG=http
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;
const RAW_EVENTS = new Set(['data', 'readable']);

class HTTPServerAsyncResource extends AsyncResource {
  constructor(socket) {
    super('HTTPINCOMINGMESSAGE', { requireManualDestroy: true });
    this.type = 'HTTPINCOMINGMESSAGE';
    this.socket = socket;
  }
}

class Connection {
  constructor(server, socket) {
    this.server = server;
    this.socket = socket;
    this.incoming = null; // the request that is being parsed, or was parsed last
    this.requests = new Queue(); // not yet answered, in order
    this.queue = new Queue(); // responses waiting for the socket
    this.queuedBytes = 0; // of those responses, approximately
    this.refused = false; // 'clientError' was emitted for it
    this.unread = false; // bytes were waiting when it was closed for being idle
    this.requestCount = 0;
    this.keepAliveTimerSet = false;
    this.keepAliveTimer = null;
    this.keepAliveMilliseconds = 0;
    this.maxHeaderPairs = typeof server.maxHeadersCount === 'number' ? server.maxHeadersCount << 1 : HEADER_PAIRS;
    this.parser = null; // NativeParser, where JavaScript feeds it
    this.consumed = false; // nobody but us is meant to see the bytes
    this.release = null; // gives a handle's bytes back to its stream
    this.dispatching = false; // not everything in a packet has been told
    this.flushed = false; // ticks run before each head (dispatch.js, FLUSH_AFTER)
    this.shortened = false; // the head that comes has more lines than Node hands over at once
    this.hungUp = false; // the end comes next, whatever a handed-over handle would read
    this.upgrading = false; // the verdict on the head with the upgrade bit
    this.endCompletes = false; // FIN ends the body of the request that is read
    this.endVerdict = undefined; // of the parser on FIN: an error, null, or not asked yet
    this.upgradeStream = null; // Node >= 26: handed out while the request's body still comes
    this.resource = new HTTPServerAsyncResource(socket);
    this.onData = (chunk) => this.execute(chunk);
    this.onEnd = () => this.end();
    this.onClose = () => this.close();
    this.onDrain = () => this.drain();
    this.onPendingData = (delta) => {
      this.queuedBytes += delta;
      this.drain();
    };
  }

  attach() {
    const { server, socket } = this;
    debug('SERVER new http connection');
    if (warningIsDue(server)) warn();
    // The first who listens gets a handle's bytes, until it no longer wants them; then all who listen do.
    const first = socket.parser;
    const taken = first instanceof Connection && first.consumed;
    if (!taken && socket[kId] >= 0 && socket._server !== server) handOver(socket);
    socket.server = server;
    if (server.timeout && typeof socket.setTimeout === 'function') socket.setTimeout(server.timeout);
    socket.on('timeout', socketOnTimeout);
    if (!taken && socket[kId] >= 0 && !ioIsPlain()) {
      socket.parser = this; // which goes on with what Rust has parsed
      handOver(socket); // to the methods that somebody wrapped
    }
    const native = !taken && socket[kId] >= 0;
    this.consumed = native || (!taken && Boolean(socket._handle?.isStreamBase));
    if (!native) {
      const link = server[kServer];
      link.sync();
      this.parser ??= new NativeParser(link.native); // a hand-over has brought one
      link.injected.add(this);
      if (this.consumed) this.consume(socket._handle);
    }
    if (taken) {
      Socket.prototype.on.call(socket, 'data', this.onData);
    } else {
      socket.parser = this;
      socket.on('data', this.onData);
    }
    socket.on('error', socketOnError);
    socket.on('end', this.onEnd);
    socket.on('close', this.onClose);
    socket.on('drain', this.onDrain);
    socket.on('resume', onSocketResume);
    socket.on('pause', onSocketPause);
    socket.on = socketOn;
    socket.addListener = socketAddListener;
    socket.prependListener = socketPrependListener;
    socket.setEncoding = socketSetEncoding;
    socket._paused = false;
  }

  // --- records -----------------------------------------------------------------------------------

  /** A head is complete. */
  onHead(method, url, major, minor, rawHeaders, upgrade) {
    const { server, socket } = this;
    const Message = server[symbols.incomingMessage] ?? IncomingMessage;
    const req = new (Message === IncomingMessage ? Request : Message)(socket);
    this.incoming = req;
    req.httpVersionMajor = major;
    req.httpVersionMinor = minor;
    req.httpVersion = major === 1 && minor === 1 ? '1.1' : `${major}.${minor}`;
    req.joinDuplicateHeaders = server.joinDuplicateHeaders;
    req.url = url;
    req.upgrade = upgrade;
    if (this.flushed) this.truncate(rawHeaders);
    const n = rawHeaders.length;
    req._addHeaderLines(rawHeaders, this.maxHeaderPairs > 0 && n > this.maxHeaderPairs ? this.maxHeaderPairs : n);
    req.method = method;

    if (this.keepAliveTimerSet) this.disarmKeepAlive();
    return req;
  }

  /** Drops the lines beyond `maxHeadersCount`, where Node does it in JavaScript. */
  truncate(lines) {
    if (traits.manyFields === 'truncate' && this.maxHeaderPairs > 0 && lines.length > this.maxHeaderPairs) {
      lines.length = this.maxHeaderPairs;
    }
  }

  /** Whether an upgrade or CONNECT is taken; sets `req.upgrade`. */
  wantsUpgrade(req) {
    const { server } = this;
    if (req.method === 'CONNECT') req.upgrade = true;
    else if (typeof server.shouldUpgradeCallback === 'function') req.upgrade = !!server.shouldUpgradeCallback(req);
    else req.upgrade = server.listenerCount('upgrade') > 0;
    return req.upgrade;
  }

  onRequest(req, keepAlive, hasHost, hasExpect) {
    const { server, socket } = this;
    if (this.maxHeaderPairs > 0 && req.rawHeaders.length >= this.maxHeaderPairs) {
      // Not all that were seen may have been kept.
      hasHost = req.headers.host !== undefined;
      hasExpect = req.headers.expect !== undefined;
    }
    if (req instanceof Request) Request.settle(req);
    else void req.headers;
    this.requests.push(req);

    // A client that pipelines without reading must not fill our memory.
    if (!socket._paused) {
      const { needDrain } = socket._writableState;
      if (needDrain || this.queuedBytes >= socket.writableHighWaterMark) {
        socket._paused = true;
        socket.pause();
      }
    }

    const Class = server[symbols.serverResponse];
    const res = new (Class === ServerResponse ? Response : Class)(req, {
      highWaterMark: socket.writableHighWaterMark,
      rejectNonStandardBodyWrites: server.rejectNonStandardBodyWrites,
    });
    res._keepAliveTimeout = server.keepAliveTimeout;
    res._maxRequestsPerSocket = server.maxRequestsPerSocket;
    res._onPendingData = this.onPendingData;
    res.shouldKeepAlive = keepAlive;
    res[symbols.uniqueHeaders] = server[symbols.uniqueHeaders];

    if (requestStart.hasSubscribers) requestStart.publish({ request: req, response: res, socket, server });

    if (symbols.optimizeEmptyRequests !== undefined && server[symbols.optimizeEmptyRequests] === true &&
        !('content-length' in req.headers) && !('transfer-encoding' in req.headers)) {
      req._dumpAndCloseReadable();
      req._read();
    }

    if (socket._httpMessage) this.queue.push(res);
    else assign(res, socket, this.onClose, socketOn);

    onFinish(res, () => this.onFinish(req, res));

    if (req.httpVersionMajor === 1 && req.httpVersionMinor === 1 && this.answeredByServer(req, res, hasHost, hasExpect)) {
      return;
    }
    server.emit('request', req, res);
  }

  /** The checks that HTTP/1.1 requests undergo before 'request'; true if they took the request. */
  answeredByServer(req, res, hasHost, hasExpect) {
    const { server, socket } = this;
    if (server.requireHostHeader && !hasHost) { // RFC 9112, 3.2
      res.writeHead(400, ['Connection', 'close']);
      res.end();
      return true;
    }

    const max = server.maxRequestsPerSocket;
    if (typeof max === 'number' && max > 0) {
      this.requestCount++;
      res.maxRequestsOnConnectionReached = max <= this.requestCount;
      if (max < this.requestCount) {
        server.emit('dropRequest', req, socket);
        res.writeHead(503);
        res.end();
        return true;
      }
    }

    if (!hasExpect) return false;
    if (CONTINUE.test(req.headers.expect)) {
      res._expect_continue = true;
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

  onBody(chunk) {
    const req = this.incoming;
    if (req !== null && !req._dumped && !req.push(chunk)) this.socket?.pause();
  }

  onComplete(rawTrailers) {
    const req = this.incoming;
    if (req !== null) {
      req.complete = true;
      if (rawTrailers !== null) this.truncate(rawTrailers);
      if (rawTrailers !== null) req._addHeaderLines(rawTrailers, rawTrailers.length);
      req.push(null);
    }
    const { socket } = this;
    // The next message may be read.
    if (!socket._paused && socket.readable && (!ioIsPlain() || socket.readableFlowing !== true || socket.isPaused())) {
      socket.resume();
    }
  }

  onFailed(error) {
    debug('parse error', error);
    socketOnError.call(this.socket, error);
  }

  /** An accepted upgrade: `head` is what followed the request in its packet. */
  onUpgrade(head) {
    const { server, socket } = this;
    const req = this.incoming;
    const event = req.method === 'CONNECT' ? 'connect' : 'upgrade';
    debug('SERVER upgrade or connect', req.method);

    if (!req.complete) { // Node >= 26 only
      if (this.upgradeStream !== null) return;
      this.upgradeStream = new UpgradeStream(socket, req);
      if (server.listenerCount(event) > 0) {
        socket.readableFlowing = null;
        server.emit(event, req, this.upgradeStream, Buffer.alloc(0));
      } else {
        socket.destroy();
      }
      return;
    }

    socket.removeListener('data', this.onData);
    socket.removeListener('end', this.onEnd);
    socket.removeListener('close', this.onClose);
    socket.removeListener('drain', this.onDrain);
    socket.removeListener('error', socketOnError);
    socket.removeListener('timeout', socketOnTimeout);
    unconsume(socket);
    this.free();

    if (this.upgradeStream !== null) {
      this.upgradeStream.requestBodyCompleted(head);
    } else if (server.listenerCount(event) > 0 || (traits.upgradesUnheard && event === 'upgrade')) {
      socket.readableFlowing = null;
      server.emit(event, req, socket, head);
    } else {
      socket.destroy();
    }
  }

  // --- the socket's events --------------------------------------------------------------------------

  /** 'end': FIN was read after everything before it. */
  end() {
    const { server, socket } = this;
    if (this.endVerdict === undefined) this.finish();
    if (this.endCompletes) this.onComplete(null);
    if (this.endVerdict) {
      debug('parse error');
      socketOnError.call(socket, this.endVerdict);
    } else if (!server.httpAllowHalfOpen) {
      // Ending what has ended would only make an error that nobody gets.
      if (!(socket instanceof Socket && socket.writableFinished && endedIsPlain())) socket.end();
    } else if (this.queue.length > 0) {
      this.queue.last._last = true;
    } else if (socket._httpMessage) {
      socket._httpMessage._last = true;
    } else {
      socket.end();
    }
  }

  /** Every request was answered, and the connection may have another. */
  isIdle() {
    const { incoming } = this;
    return this.requests.length === 0 && !this.socket._httpMessage && (incoming === null || incoming.complete) && !this.refused;
  }

  /** The socket is closed for being idle: what one of Node's does not know any more afterwards. */
  beforeIdleClose() {
    const { socket } = this;
    if (this.parser === null) return;
    void socket.remoteAddress; // which Node keeps once it was asked for
    // A TLS client says goodbye, so that bytes mean nothing.
    if (socket._handle?.fd >= 0 && !socket.encrypted) this.unread = this.server[kServer].native.hasUnread(socket._handle.fd);
  }

  /** Counts that the server closes a socket of Node's between two requests. */
  noteIdleClose() {
    const { parser, socket, server } = this;
    if (!parser.begun || !this.isIdle() || socket.readableEnded || socket.writableEnded || socket.errored) return;
    const { remoteAddress, remotePort } = socket;
    server[kServer].native.idleClosed(remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`, parser.started || this.unread);
  }

  close() {
    debug('server socket close');
    if (this.parser !== null) this.noteIdleClose();
    this.free();
    while (this.requests.length > 0) this.requests.shift().destroy(abortedError());
    if (traits.abortsWaitingResponses) {
      while (this.queue.length > 0) this.queue.shift().destroy(abortedError());
    }
  }

  drain() {
    const { socket } = this;
    const needPause = this.queuedBytes > socket.writableHighWaterMark;
    if (socket._paused && !needPause) {
      socket._paused = false;
      socket.resume();
    }
    const message = socket._httpMessage;
    if (message && !message.finished && message[symbols.needDrain] &&
        (!traits.drainMeansEmpty || message.writableLength === 0)) {
      message[symbols.needDrain] = false;
      message.emit('drain');
    }
  }

  /** The response has been handed to the operating system. */
  onFinish(req, res) {
    const { server, socket } = this;
    if (responseFinish.hasSubscribers) responseFinish.publish({ request: req, response: res, socket, server });
    if (symbols.detachAbortSignal !== undefined) req[symbols.detachAbortSignal]?.();
    this.requests.shift();

    // A body that nobody reads is taken off the wire.
    let unread = !req._consuming && !req._readableState.resumeScheduled;
    if (unread && !spent(req)) {
      unread = false;
      req._dump();
    }

    detach(res, socket, this.onClose);
    if (this.incoming === req && socket.parser === this) {
      if (unread || req.readableEnded) this.incoming = null;
      else req.on('end', () => { if (this.incoming === req) this.incoming = null; });
    }
    process.nextTick(afterFinish, res, unread ? req : null);

    if (res._last) {
      if (typeof socket.destroySoon === 'function') socket.destroySoon();
      else socket.end();
    } else if (this.queue.length > 0) {
      assignQueued(this.queue.shift(), socket, this.onClose, socketOn);
    } else {
      const timeout = traits.finiteKeepAlive ? finiteOr(server.keepAliveTimeout, 0) : server.keepAliveTimeout;
      if (timeout && typeof socket.setTimeout === 'function') {
        this.armKeepAlive(timeout + (traits.constantBuffer ?? finiteOr(server.keepAliveTimeoutBuffer, 1000)));
      }
    }
  }

  // The idle timer is the socket's own timeout. Between two requests it is left to run, marked by
  // `socket.timeout` 0, and refreshed later, where making a new one would come to the same.

  armKeepAlive(milliseconds) {
    const { socket, keepAliveTimer } = this;
    if (keepAliveTimer !== null && socket[symbols.timeout] === keepAliveTimer && !keepAliveTimer._destroyed && idleIsPlain() &&
        this.keepAliveMilliseconds === milliseconds) {
      socket.timeout = milliseconds;
      keepAliveTimer.refresh();
    } else {
      socket.setTimeout(milliseconds);
      this.keepAliveTimer = socket instanceof Socket ? socket[symbols.timeout] : null;
      this.keepAliveMilliseconds = milliseconds;
    }
    this.keepAliveTimerSet = true;
  }

  /** A packet came that is no complete head. */
  endIdleTime() {
    if (this.keepAliveTimerSet) this.disarmKeepAlive();
  }

  disarmKeepAlive() {
    const { server, socket, keepAliveTimer } = this;
    this.keepAliveTimerSet = false;
    if (!server.timeout && keepAliveTimer !== null && socket[symbols.timeout] === keepAliveTimer && idleIsPlain()) socket.timeout = 0;
    else socket.setTimeout(server.timeout || 0);
  }

  /** HTTP is over on this socket. */
  free() {
    const { socket } = this;
    if (socket.parser === this) socket.parser = null;
    this.server[kServer]?.injected.delete(this);
    this.parser = null;
    this.incoming = null;
  }

  // --- the JavaScript way ------------------------------------------------------------------------------

  /** Parses a chunk that the socket's 'data' brought. */
  execute(chunk) {
    if (this.parser === null) return;
    // Where Node's parser reads from the handle by itself (TLS), an error has a copy of the packet.
    this.parse((parser) => parser.execute(engine.native, chunk), this.consumed ? undefined : chunk);
    if (traits.packetEndsIdleTime) this.endIdleTime();
  }

  /** Lets the parser run and tells what it found. A failure of its own ends this connection alone. */
  parse(run, packet) {
    let text;
    try {
      text = run(this.parser);
    } catch (error) {
      this.socket.destroy(internalError(error));
      return;
    }
    this.runParsed(text, packet);
  }

  /** Asks the parser about FIN; the verdict is in `endVerdict`. */
  finish() {
    if (this.parser !== null) this.parse((parser) => parser.finish(engine.native));
    this.endVerdict ??= null;
  }

  /** Moves from Rust's reading to a libuv handle's. */
  handedOver(detached, handle) {
    this.parser = detached.parser;
    this.server[kServer].injected.add(this);
    this.hungUp = detached.hungUp;
    if (this.consumed) this.consume(handle);
    // A packet that Rust has parsed already comes first.
    if (!this.socket[kEnded] && !this.socket[kBehind]) this.startReading(handle);
  }

  /** The packet that was parsed before the hand-over has been told. */
  caughtUp() {
    if (!this.socket[kEnded] && !this.socket.destroyed) this.startReading(this.socket._handle);
  }

  /** Takes what a handle reads before its stream does, as Node's parser would. */
  consume(handle) {
    const { onread } = handle;
    const read = reader(handle, this.socket, (bytes) => { this.execute(bytes); });
    this.release = () => { handle.onread = onread; };
    handle.onread = (memory) => {
      if (memory === undefined || this.parser === null) return onread.call(handle, memory);
      return read(memory);
    };
  }

  startReading(handle) {
    const { socket } = this;
    if (!handle || socket._paused || socket.isPaused()) return;
    handle.reading = true;
    if (this.hungUp) engine.afterDeliveries(() => endReading(socket));
    else handle.readStart();
  }
}

/** What a handle's FIN comes to, if nobody has stopped its reading meanwhile. */
function endReading(socket) {
  if (socket.destroyed || !socket._handle?.reading) return;
  socket.push(null);
  socket.read(0);
}

function finiteOr(value, otherwise) {
  return Number.isFinite(value) && value >= 0 ? value : otherwise;
}

/** A request that has no more to say than 'end' and 'close', which nobody listens for. */
function spent(req) {
  const state = req._readableState;
  return dumpIsPlain() && req._eventsCount === 0 && req.complete && state.ended && state.length === 0 && !state.destroyed;
}

function afterFinish(res, unread) {
  if (unread !== null) {
    if (spent(unread)) {
      // What dumping an empty body comes to, without the ticks and events on the way there.
      unread._dumped = true;
      const state = unread._readableState;
      state.flowing = true;
      state.endEmitted = true;
      state.destroyed = true;
      state.closed = true;
      state.closeEmitted = true;
    } else {
      unread._dump();
    }
  }
  emitClose(res);
}

function emitClose(res) {
  if (res._closed) return;
  res.destroyed = true;
  res._closed = true;
  res.emit('close');
}

function socketOnTimeout() {
  const req = this.parser?.incoming;
  const byRequest = req && !req.complete && req.emit('timeout', this);
  const res = this._httpMessage;
  const byResponse = res && res.emit('timeout', this);
  const byServer = this.server.emit('timeout', this);
  if (byRequest || byResponse || byServer) return;
  if (!(this[kId] >= 0)) this.parser?.beforeIdleClose?.();
  this.destroy();
}

function onSocketResume() {
  if (this._paused) {
    this.pause();
    return;
  }
  if (this[kId] >= 0) {
    setReading(this, true);
  } else if (this._handle && !this._handle.reading) {
    this._handle.reading = true;
    this._handle.readStart();
  }
}

function onSocketPause() {
  if (this[kId] >= 0) {
    setReading(this, false);
  } else if (this._handle?.reading) {
    this._handle.reading = false;
    this._handle.readStop();
  }
}

/** The bytes are for others, too: the stream's own flow control has to do. */
function unconsume(socket) {
  if (socket[kId] >= 0) handOver(socket);
  if (socket.parser) {
    socket.parser.consumed = false;
    socket.parser.release?.();
  }
  socket.removeListener('pause', onSocketPause);
  socket.removeListener('resume', onSocketResume);
}

// Whoever listens to the bytes themselves makes Rust stop reading (Node 'unconsumes' likewise).
function wrapListener(name) {
  return function (event, listener) {
    const result = Socket.prototype[name].call(this, event, listener);
    if (!this.parser) {
      delete this.on;
      delete this.addListener;
      delete this.prependListener;
    } else if (RAW_EVENTS.has(event)) {
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

/** `http._connectionListener`: also for servers that are not ours. */
function connectionListener(socket) {
  if (this[kServer] === undefined) nodeConnectionListener.call(this, socket);
  else new Connection(this, socket).attach();
}

module.exports = { Connection, connectionListener };
