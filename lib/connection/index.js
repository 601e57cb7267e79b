'use strict';
// One HTTP connection: what happens at the parser's records and the socket's events.
//
// A Connection is `socket.parser` while the socket speaks HTTP. Its records come from Rust's connection task
// (lib/delivery). If Rust does not read the socket (a Duplex that was given to the server, TLS, or a socket that was
// handed over), they come from a parser that JavaScript feeds (feed.js).

const { AsyncResource } = require('async_hooks');
const { debuglog } = require('util');
const { nodeConnectionListener, traits, endedIsPlain, ioIsPlain } = require('../host');
const { addLines, isDumped, makeLast, awaitsDrain, emitDrain } = require('../host/messages');
const { acceptedBy, handleOf, hasStreamHandle, isThrottled, setThrottled, responseOn } = require('../host/sockets');
const { abortedError } = require('../errors');
const { NativeParser } = require('../native');
const { native: engine } = require('../engine');
const layout = require('../layout');
const { Queue } = require('../queue');
const { keep, tell } = require('../delivery/records');
const { socketOnError } = require('../refusals/client-error');
const { kServer } = require('../server/key');
const { warn, warningIsDue } = require('../server/lenient');
const { Socket } = require('../socket');
const { handOver } = require('../socket/hand-over');
const { kId } = require('../socket/keys');
const exchange = require('./exchange');
const { Feed } = require('./feed');
const { IdleTimer } = require('./idle-timer');
const {
  onSocketPause, onSocketResume, socketOn, socketAddListener, socketPrependListener, socketSetEncoding, unconsume,
} = require('./listeners');
const { UpgradeStream } = require('./upgrade-stream');

const debug = debuglog('http'); // NODE_DEBUG=http
const { HEADER_PAIRS } = layout.limit;
const { KEEP_ALIVE, UPGRADE, WHOLE, HAS_HOST, HAS_EXPECT } = layout.head;

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
    this.isOwn = true; // its class is Node's, and the program has not seen it before it is served
    this.requests = new Queue(); // requests that are not answered yet, in order
    this.queue = new Queue(); // responses that wait for the socket
    this.queuedBytes = 0; // approximate size of those responses
    this.refused = false; // 'clientError' was emitted for this connection
    this.requestCount = 0;
    this.idleTimer = new IdleTimer(this);
    this.maxHeaderPairs = typeof server.maxHeadersCount === 'number' ? server.maxHeadersCount << 1 : HEADER_PAIRS;
    this.feed = null; // the Feed, if JavaScript reads
    this.consumed = false; // only this connection gets the bytes, as if Node's parser had consumed the handle
    this.dispatching = false; // the records of a packet are being dispatched
    this.flushed = false; // ticks run before each head (delivery/records.js, FLUSH_AFTER)
    this.upgrading = false; // the program accepts the upgrade of the last head with the upgrade bit
    this.endCompletes = false; // FIN ends the body of the current request
    this.endVerdict = undefined; // what the parser says about FIN: an error, null for none, undefined before it was asked
    this.fault = null; // after a listener threw: the error for every later packet
    this.upgradeStream = null; // Node >= 26: what 'upgrade' got while the request's body was still coming
    this.resource = new HTTPServerAsyncResource(socket);
    this.onData = (chunk) => this.feed?.execute(chunk);
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
    // If two servers serve one socket, the first gets the bytes of the handle. After `unconsume` both get them.
    const first = socket.parser;
    const taken = first instanceof Connection && first.consumed;
    if (!taken && socket[kId] >= 0 && acceptedBy(socket) !== server) handOver(socket);
    socket.server = server;
    if (server.timeout && typeof socket.setTimeout === 'function') socket.setTimeout(server.timeout);
    socket.on('timeout', socketOnTimeout);
    if (!taken && socket[kId] >= 0 && !ioIsPlain()) {
      socket.parser = this; // `handedOver` of this connection goes on with what Rust has parsed
      handOver(socket); // so that the methods which somebody has wrapped are called
    }
    const native = !taken && socket[kId] >= 0;
    this.consumed = native || (!taken && hasStreamHandle(socket));
    if (!native) {
      const link = server[kServer];
      link.sync();
      this.feed ??= new Feed(this, new NativeParser(link.native), null); // a hand-over has already made one
      link.injected.add(this);
      if (this.consumed) this.feed.consume(handleOf(socket));
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
    setThrottled(socket, false);
  }

  // --- records -----------------------------------------------------------------------------------

  /** A head is complete. `version` is major << 8 | minor. */
  onHead(method, url, version, rawHeaders, flags) {
    const upgrade = (flags & UPGRADE) !== 0;
    const req = exchange.makeRequest(this, method, url, version, rawHeaders, upgrade);
    // The parser waits for the answer, which `onParked` gives.
    if (upgrade) this.upgrading = exchange.wantsUpgrade(this, req);
    if (!upgrade || !this.upgrading) {
      exchange.serve(this, req, (flags & KEEP_ALIVE) !== 0, (flags & HAS_HOST) !== 0, (flags & HAS_EXPECT) !== 0);
    }
    if ((flags & WHOLE) !== 0) this.onComplete(null);
  }

  onBody(chunk) {
    const req = this.incoming;
    if (req !== null && !isDumped(req) && !req.push(chunk)) this.socket?.pause();
  }

  onComplete(rawTrailers) {
    const req = this.incoming;
    if (req !== null) {
      req.complete = true;
      if (rawTrailers !== null) {
        exchange.truncate(this, rawTrailers);
        addLines(req, rawTrailers, rawTrailers.length);
      }
      req.push(null);
    }
    const { socket } = this;
    // Lets the next message be read.
    if (!isThrottled(socket) && socket.readable && (!ioIsPlain() || socket.readableFlowing !== true)) {
      socket.resume();
    }
  }

  /** Gives the parser the answer to a head with the upgrade bit. `packet` is as in `tell`. */
  onParked(packet) {
    const { socket, upgrading } = this;
    if (socket[kId] >= 0 && upgrading) handOver(socket);
    if (socket[kId] >= 0) {
      keep();
      const text = engine.decline(socket[kId]);
      if (text !== null) tell(socket, text);
    } else {
      this.feed?.upgrade(upgrading, packet);
    }
  }

  /** Notes what the parser says about FIN: an error or null. Returns true if FIN came from the socket's own 'end'. */
  onFin(verdict, completes) {
    this.endVerdict = verdict;
    this.endCompletes = completes;
    return this.feed !== null;
  }

  /**
   * A listener threw in the middle of a packet. Node's parser makes that an error of its own, and refuses every later
   * packet with it. FIN is not refused.
   */
  fail(fault) {
    this.fault = fault;
    if (this.feed !== null) this.feed.parser.giveUp();
    else if (this.socket?.[kId] >= 0) engine.giveUp(this.socket[kId]);
  }

  onFailed(error) {
    debug('parse error', error);
    socketOnError.call(this.socket, error);
  }

  /** An accepted upgrade is complete. `head` is what follows the request in its packet. */
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
    } else if ((traits.upgradesUnheard && event === 'upgrade') || server.listenerCount(event) > 0) {
      socket.readableFlowing = null;
      server.emit(event, req, socket, head);
    } else {
      socket.destroy();
    }
  }

  // --- the socket's events --------------------------------------------------------------------------

  /** The socket's 'end': FIN and everything before it was read. */
  end() {
    const { server, socket } = this;
    if (this.endVerdict === undefined) {
      this.feed?.finish();
      this.endVerdict ??= null;
    }
    if (this.endCompletes) this.onComplete(null);
    if (this.endVerdict) {
      debug('parse error');
      socketOnError.call(socket, this.endVerdict);
    } else if (!server.httpAllowHalfOpen) {
      // A second end() would only make an error that nobody receives.
      if (!(socket instanceof Socket && socket.writableFinished && endedIsPlain())) socket.end();
    } else if (this.queue.length > 0) {
      makeLast(this.queue.last);
    } else if (responseOn(socket)) {
      makeLast(responseOn(socket));
    } else {
      socket.end();
    }
  }

  /** Whether every request was answered, and another one may come. */
  isIdle() {
    const { incoming } = this;
    return this.requests.length === 0 && !responseOn(this.socket) && (incoming === null || incoming.complete) && !this.refused;
  }

  close() {
    debug('server socket close');
    this.feed?.noteIdleClose();
    this.free();
    while (this.requests.length > 0) this.requests.shift().destroy(abortedError());
    if (traits.abortsWaitingResponses) {
      while (this.queue.length > 0) this.queue.shift().destroy(abortedError());
    }
  }

  drain() {
    const { socket } = this;
    const needPause = this.queuedBytes > socket.writableHighWaterMark;
    if (isThrottled(socket) && !needPause) {
      setThrottled(socket, false);
      socket.resume();
    }
    const res = responseOn(socket);
    if (res && !res.finished && awaitsDrain(res) && (!traits.drainMeansEmpty || res.writableLength === 0)) emitDrain(res);
  }

  /** Ends HTTP on this socket. */
  free() {
    const { socket } = this;
    if (socket.parser === this) socket.parser = null;
    this.server[kServer]?.injected.delete(this);
    this.feed = null;
    this.incoming = null;
  }

  /**
   * Ends the idle time when a packet comes. It is called in releases of Node in which any packet does that, and not
   * only a complete head.
   */
  endIdleTime() {
    if (this.idleTimer.armed) this.idleTimer.disarm();
  }

  // --- the hand-over ------------------------------------------------------------------------------------

  /** The socket was handed over. From now on a libuv handle reads. */
  handedOver(detached, handle) {
    this.feed = new Feed(this, detached.parser, detached);
    this.server[kServer].injected.add(this);
    if (this.consumed) this.feed.consume(handle);
    this.feed.startReading(handle);
  }

  /** The packet that was parsed before the hand-over has been dispatched. */
  caughtUp() {
    this.feed?.startReading(handleOf(this.socket));
  }
}

function socketOnTimeout() {
  const req = this.parser?.incoming;
  const byRequest = req && !req.complete && req.emit('timeout', this);
  const res = responseOn(this);
  const byResponse = res && res.emit('timeout', this);
  const byServer = this.server.emit('timeout', this);
  if (byRequest || byResponse || byServer) return;
  this.parser?.feed?.beforeIdleClose();
  this.destroy();
}

/** `_connectionListener` of the package. It serves Node's own servers, too. */
function connectionListener(socket) {
  if (this[kServer] === undefined) nodeConnectionListener.call(this, socket);
  else new Connection(this, socket).attach();
}

module.exports = { Connection, connectionListener };
