'use strict';
// The server: an http.Server whose listening descriptors Rust accepts on.
//
// Node's own listen machinery binds (ports, paths, DNS, cluster, errors are its own); when it
// puts the bound handle into `_handle`, the handle's `listen` is shadowed and Rust takes a
// duplicate of the descriptor.

const dc = require('diagnostics_channel');
const http = require('http');
const net = require('net');
const { AsyncResource } = require('async_hooks');
const { EventEmitter } = require('events');
const { debuglog } = require('util');
const { Server: HttpServer, nodeConnectionListener, symbols, traits, shortcuts, refusalsArePlain } = require('./host');
const { systemError, socketOnError, kServer } = require('./client-error');
const { Socket, handOver, setReading, kId } = require('./socket');
const { connectionListener } = require('./connection');
const { servers, dispatch, socketOf, beginTurn } = require('./delivery/dispatch');
const { lenientFlags, warningIsDue } = require('./lenient');
const { learnHandle } = require('./closing');
const { native: engine, supported } = require('./engine');
const alive = require('./engine/alive');
const { afterDeliveries, serve } = require('./engine/turn');
const layout = require('./layout');
const { optionsOf } = require('./refusals/options');
const { setReplies } = require('./refusals/replies');
const { watch } = require('./refusals/watch');
const refusalMethods = require('./refusals/methods');

const debug = debuglog('http'); // NODE_DEBUG=http: every refusal is logged
const socketChannel = dc.channel('net.server.socket');

const netDebug = debuglog('net'); // NODE_DEBUG=net

const { HEADER_PAIRS } = layout.limit;
const { DROPPED, DRAINED, ACCEPT_ERROR } = layout.record;

serve(dispatch, beginTurn);

const noop = () => {};

const { _emitCloseIfDrained: plainDrained } = HttpServer.prototype;

/** The `emit` that nobody has wrapped. */
const plainEmit = EventEmitter.prototype.emit;

/** Own properties that Rust has to know of: made accessors, so that a change is known at once. */
const WATCHED_PROPERTIES = [
  'maxHeaderSize', 'insecureHTTPParser', 'httpValidation', 'maxHeadersCount', 'timeout',
  'noDelay', 'keepAlive', 'keepAliveInitialDelay', 'pauseOnConnect', 'blockList',
];
/** Likewise; a server has no such property until it is given one. */
const OPTIONAL_PROPERTIES = ['maxConnections', 'blockList'];
/** Events whose listeners decide what Rust may do without JavaScript. */
const WATCHED_EVENTS = new Set(['clientError', 'connection', 'drop']);

/** Whether this Node refuses addresses of `server.blockList`. */
const hasBlockList = (() => {
  try {
    return !new net.Server({ blockList: 'none' });
  } catch {
    return true;
  }
})();

/** What a server shares with the engine, under `server[kServer]`. */
class ServerLink {
  constructor(server, refusals) {
    this.server = server;
    this.native = engine.createServer();
    const { keep, excerpt, redact, log, replies, linger, native } = optionsOf(refusals);
    this.native.setRefusals(keep, excerpt, redact.fields, redact.query);
    setReplies(this.native, replies);
    this.linger = linger;
    this.native.set('linger', linger);
    this.staysNative = native; // whatever wraps `emit`
    this.replies = new Map(replies.map((reply) => [reply.code, reply.status]));
    this.watch = watch(server, this.native, log);
    this.listener = -1; // id of the native listener
    this.refed = true; // server.ref() and unref()
    this.handle = null; // Node's listening handle
    this.accepting = false;
    this.screens = false; // a block list was set: connections count once they have passed it
    this.injected = new Set(); // connections whose parser JavaScript feeds
    this.resource = null; // async context of listen()
    this.lastConnections = 0; // as last read through server._connections
    this.properties = {}; // values of the watched properties
    this.values = new Map(); // settings as last given to Rust
    this.counted = new Map(); // refusals by code, of which Rust does not know yet
    this.seen = { emit: undefined, subscribed: false, events: 0, connection: undefined, plain: true }; // by the last `sync`
  }

  set(name, value) {
    const number = Number(value);
    if (this.values.get(name) === number) return;
    this.values.set(name, number);
    this.native.set(name, number);
  }

  /** Gives Rust the live properties that it acts on without asking. */
  sync() {
    const { server } = this;
    const { seen } = this;
    seen.emit = server.emit;
    seen.subscribed = socketChannel.hasSubscribers;
    seen.events = server._eventsCount;
    seen.connection = server._events.connection;
    this.set('maxHeaderSize', server.maxHeaderSize || http.maxHeaderSize);
    this.set('lenient', lenientFlags(server));
    this.set('maxHeaderPairs', typeof server.maxHeadersCount === 'number' ? server.maxHeadersCount << 1 : HEADER_PAIRS);
    const screened = hasBlockList && Boolean(server.blockList);
    this.screens ||= screened;
    this.set('screened', screened);
    this.set('maxConnections', screened ? -1 : this.limit());
    this.set('noDelay', server.noDelay);
    this.set('keepAlive', server.keepAlive);
    this.set('keepAliveDelay', server.keepAliveInitialDelay || 0);
    // Where anything in JavaScript can tell that a connection exists, each one is shown at once.
    const wrapped = seen.emit !== plainEmit && !this.staysNative;
    this.set('dropNotice', wrapped || server.listenerCount('drop') > 0);
    seen.plain = refusalsArePlain();
    const watched = wrapped || !(seen.plain || this.staysNative) || debug.enabled || warningIsDue(server) || seen.subscribed ||
      seen.connection !== connectionListener || server.timeout > 0 || !this.refed || server.pauseOnConnect || screened;
    this.set('eager', watched);
    this.set('nativeRefusals', !watched && server.listenerCount('clientError') === 0);
    this.set('idleIncludesSilent', traits.idleIncludesSilent);
    this.set('hangUpEnds', traits.hangUpEnds);
  }

  /** Connections at which further ones are dropped; -1 for no limit. */
  limit() {
    const max = this.server.maxConnections;
    return max === undefined || max === null || (traits.zeroConnectionsMeansAny && !max) ? -1 : max;
  }

  /** Whether something has changed that no setter and none of our methods tells of. */
  stale() {
    const { server, seen } = this;
    return server.emit !== seen.emit || refusalsArePlain() !== seen.plain || socketChannel.hasSubscribers !== seen.subscribed || warningIsDue(server) ||
      server._eventsCount !== seen.events || server._events.connection !== seen.connection;
  }

  count(code) {
    this.counted.set(code, (this.counted.get(code) ?? 0) + 1);
  }

  /** What the client of a refused connection still sends is read before it is closed. */
  lingers(socket) {
    if (socket[kId] > 0) engine.setRefused(socket[kId]);
  }

  /** Tells Rust what becomes of a refusal; its number. */
  refused(socket, token, code, reason, outcome, status) {
    const id = socket[kId];
    if (id > 0) return this.native.refused(token ?? 0, id, code, reason, outcome, status, token === 0);
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    const peer = typeof remoteAddress === 'string' ? `${remoteAddress} ${remotePort}` : undefined;
    const local = typeof localAddress === 'string' ? `${localAddress} ${localPort}` : undefined;
    const parser = socket.parser?.parser ?? undefined;
    return this.native.refused(token ?? 0, 0, code, reason, outcome, status, token === 0, parser, peer, local);
  }

  /** Code, count, code, count, ... of all refusals so far. */
  counts() {
    for (const [code, times] of this.counted) this.native.count(code, times);
    this.counted.clear();
    return this.native.counts();
  }

  // --- listening ---------------------------------------------------------------------------------

  /** Shadows a bound handle so that listening on it means listening in Rust. */
  intercept(handle) {
    if (!supported) return undefined;
    if (!(handle.fd >= 0)) return this.interceptShared(handle);
    learnHandle(handle);
    const proto = Object.getPrototypeOf(handle);
    handle.listen = (backlog) => {
      // libuv reports a failed bind late; listen(2) on the unbound socket would take a random port.
      const failed = handle.getsockname?.({});
      if (failed) return failed;
      this.resource = new AsyncResource('TCPSERVERWRAP', { requireManualDestroy: true });
      this.sync();
      const listener = this.native.listen(handle.fd, backlog);
      if (listener < 0) return listener;
      this.listening(listener);
      return 0;
    };
    handle.close = (callback) => {
      this.stop();
      return proto.close.call(handle, callback);
    };
    handle.ref = () => this.ref(true);
    handle.unref = () => this.ref(false);
    handle.hasRef = () => this.refed;
    return undefined;
  }

  /** A cluster worker's handle: the primary accepts, we are given connected handles. */
  interceptShared(handle) {
    const { close, listen } = handle;
    handle.listen = (backlog) => {
      this.resource = new AsyncResource('TCPSERVERWRAP', { requireManualDestroy: true });
      this.sync();
      const result = listen.call(handle, backlog);
      if (!result) this.listening(-1);
      return result;
    };
    handle.close = (callback) => {
      this.stop();
      return close.call(handle, callback);
    };
    Object.defineProperty(handle, 'onconnection', {
      configurable: true,
      enumerable: true,
      get: () => (error, client) => {
        if (error) return void this.server.emit('error', systemError(error, 'accept'));
        learnHandle(client);
        this.sync();
        const result = this.native.adopt(client.fd);
        client.close();
        if (result < 0) this.server.emit('error', systemError(result, 'accept'));
      },
      set() {}, // Node's own would parse as well
    });
  }

  listening(listener) {
    this.listener = listener;
    this.accepting = true;
    servers.set(this.native.id, this);
    alive.addServer(this.native);
    this.set('drainNotice', false);
    if (this.refed) alive.listeners(1);
    afterDeliveries(noop); // a turn, which sees what the rest of this one changes (delivery/dispatch.js)
  }

  stop() {
    if (!this.accepting) return;
    this.accepting = false;
    if (this.listener >= 0) this.native.unlisten(this.listener);
    this.listener = -1;
    this.set('drainNotice', true);
    alive.listeners(this.refed ? -1 : 0);
    this.refed = true;
    this.resource.emitDestroy();
  }

  /** Forgets a server that has neither listener nor connection, so that it can be collected. */
  retire() {
    if (!supported || this.accepting || this.native.connections > 0) return;
    servers.delete(this.native.id);
    alive.removeServer(this.native);
  }

  ref(on) {
    if (this.refed === on) return;
    this.refed = on;
    if (this.accepting) {
      alive.listeners(on ? 1 : -1);
      this.sync();
    }
  }

  // --- connections ---------------------------------------------------------------------------------

  /** Makes the socket of a native connection and announces it; undefined if it was turned away. */
  onAccept(id) {
    if (this.stale()) this.sync();
    return this.resource.runInAsyncScope(accept, undefined, this, id);
  }

  onServerRecord(type, number, text) {
    const { server } = this;
    if (type === DRAINED) {
      alive.update();
      server._emitCloseIfDrained();
    } else if (type === ACCEPT_ERROR) {
      // Connections wait in the backlog until descriptors are free again. An 'error' event would
      // end a program that does not listen for it.
      const { code, message } = systemError(-number, 'accept');
      process.emitWarning(`ferrohttp cannot accept connections: ${message}`, { code });
    } else if (type === DROPPED) {
      this.dropped(...text.split('\n'));
    }
  }

  dropped(localAddress, localPort, localFamily, remoteAddress, remotePort, remoteFamily) {
    this.server.emit('drop', {
      __proto__: null,
      localAddress, localPort: Number(localPort), localFamily,
      remoteAddress, remotePort: Number(remotePort), remoteFamily,
    });
  }

  /**
   * The checks of Node's that Rust leaves to us while there is a block list, in Node's order: whom it
   * blocks does not count. True if the connection was turned away.
   */
  turnsAway(id) {
    const { server } = this;
    const limit = this.limit();
    const open = this.native.connections;
    const peer = engine.address(id, true);
    if (engine.admit(id) && limit !== -1 && open >= limit) {
      const own = engine.address(id, false);
      engine.close(id);
      this.dropped(...(own ?? []), ...(peer ?? []));
      return true;
    }
    if (!server.blockList || peer === undefined || peer === null ||
        !server.blockList.check(peer[0], peer[2].toLowerCase())) return false;
    engine.close(id);
    return true;
  }

  // --- Node's connections list -----------------------------------------------------------------------

  list(ids, injected) {
    const entries = [];
    for (const id of ids) {
      const socket = socketOf(id);
      if (socket !== undefined) entries.push({ socket });
    }
    for (const connection of this.injected) {
      if (injected(connection)) entries.push({ socket: connection.socket });
    }
    return entries;
  }

  /**
   * Node made its list of connections, which its own parser adds to: programs may have that parse for
   * our servers, too. From here on it answers for the connections of both.
   */
  share(list) {
    for (const name of ['all', 'idle', 'active', 'expired']) {
      const own = list[name];
      Object.defineProperty(list, name, {
        value: (...times) => [...this[name](...times), ...own.apply(list, times)],
        writable: true,
        configurable: true,
      });
    }
  }

  all() {
    return this.list(supported ? this.native.all() : [], () => true);
  }

  active() {
    return this.all().filter(({ socket }) => socket.parser?.incoming);
  }

  idle() {
    // Since Node 26 also those that never sent a byte.
    return this.list(supported ? this.native.idle() : [], ({ dispatching, parser }) =>
      !dispatching && (!parser.started || (traits.idleIncludesSilent && !parser.begun)));
  }

  /** Node's checker asks, makes the error, and gives it to the server of what looks like a socket. */
  expired(headersTimeout, requestTimeout) {
    if (this.stale()) this.sync();
    this.native.setLimits(headersTimeout, requestTimeout);
    const ids = supported ? this.native.expired(headersTimeout, requestTimeout) : [];
    const overdue = this.list(ids,
      ({ parser }) => parser.expired(headersTimeout, requestTimeout));
    return overdue.map(({ socket }) => ({
      socket: {
        removeListener() {},
        listenerCount: () => 1,
        server: {
          emit(_event, error) {
            socketOnError.call(socket, error);
            return true;
          },
        },
      },
    }));
  }
}

function accept(link, id) {
  const { server } = link;
  if (link.screens && link.turnsAway(id)) return undefined;
  const socket = new Socket(id, {
    allowHalfOpen: server.allowHalfOpen,
    readableHighWaterMark: server.highWaterMark,
    writableHighWaterMark: server.highWaterMark,
    // What net.Socket sets in any case: it adds them to a copy, which takes Node 20 20 us where they
    // are not there already.
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
  });
  socket.server = server;
  socket._server = server;
  if (server.pauseOnConnect) {
    setReading(socket, false);
    socket.readableFlowing = false;
  }
  if (server._events.connection !== connectionListener && !announce(link, socket)) return socket;
  try {
    server.emit('connection', socket);
  } finally {
    // Nobody had it served, at least not yet: the socket is as any of net.Server's.
    if (socket[kId] >= 0 && !socket.parser) handOver(socket);
  }
  if (socketChannel.hasSubscribers) socketChannel.publish({ socket });
  return socket;
}

/**
 * Readies a socket for listeners that are not only ours. False if it was read before they came: then it was
 * accepted before, and is served as it would have been then.
 */
function announce({ server }, socket) {
  if (server.listeners('connection').includes(connectionListener)) return true;
  if (!engine.isFresh(socket[kId])) {
    connectionListener.call(server, socket);
    return false;
  }
  handOver(socket);
  return true;
}

function Server(options, requestListener) {
  if (!(this instanceof Server)) return new Server(options, requestListener);
  const refusals = typeof options === 'object' ? options?.refusals : undefined;
  HttpServer.call(this, options, requestListener);
  replaceListener(this, 'connection');

  const link = new ServerLink(this, refusals);
  Object.defineProperty(this, kServer, { value: link, configurable: true });
  for (const name of WATCHED_PROPERTIES) watchProperty(this, link, name);
  Object.defineProperties(this, {
    // Whoever wraps `emit` sees every event from then on, refusals included.
    emit: {
      configurable: true,
      get: () => Object.getPrototypeOf(this).emit,
      set(value) {
        Object.defineProperty(this, 'emit', { value, writable: true, enumerable: true, configurable: true });
        link.sync();
      },
    },
    _handle: {
      configurable: true,
      enumerable: true,
      get: () => link.handle,
      set(handle) {
        if (handle !== null && handle !== undefined) link.intercept(handle);
        link.handle = handle;
      },
    },
  });
  if (!supported) return;
  Object.defineProperties(this, {
    // net.Socket and net.Server count here, by one up or down from what they read.
    _connections: {
      configurable: true,
      enumerable: true,
      get: () => (link.lastConnections = link.native.connections),
      set(count) {
        link.native.adjust(count - link.lastConnections);
      },
    },
  });
}
Object.setPrototypeOf(Server.prototype, HttpServer.prototype);
Object.setPrototypeOf(Server, HttpServer);

/** Puts our connection listener where Node's was; 'eventNames' keeps its order. */
function replaceListener(server, event) {
  if (server._events[event] === nodeConnectionListener) {
    server._events[event] = connectionListener;
  } else {
    server.removeListener(event, nodeConnectionListener);
    server.on(event, connectionListener);
  }
}

function watchProperty(server, link, name) {
  if (!Object.hasOwn(server, name)) return;
  link.properties[name] = server[name];
  defineWatched(server, link, name);
}

function defineWatched(server, link, name) {
  Object.defineProperty(server, name, {
    configurable: true,
    enumerable: true,
    get: () => link.properties[name],
    set(value) {
      link.properties[name] = value;
      link.sync();
    },
  });
}

for (const name of OPTIONAL_PROPERTIES) {
  Object.defineProperty(Server.prototype, name, {
    configurable: true,
    get() {
      return undefined;
    },
    set(value) {
      if (this[kServer] === undefined) { // in the constructor, which watches it later
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      } else {
        defineWatched(this, this[kServer], name);
        this[name] = value;
      }
    },
  });
}

/** Lets `share` have the list of connections that Node puts under a symbol of each server that listens. */
function shareConnections(prototype) {
  Object.defineProperty(prototype, symbols.connections, {
    configurable: true,
    get() {
      return undefined;
    },
    set(list) {
      this[kServer]?.share(list);
      Object.defineProperty(this, symbols.connections, {
        value: list, writable: true, enumerable: true, configurable: true,
      });
    },
  });
}
shareConnections(Server.prototype);

for (const name of ['on', 'addListener', 'prependListener', 'removeListener', 'off', 'removeAllListeners']) {
  const method = { [name](event, listener) {
    const result = Reflect.apply(HttpServer.prototype[name], this, arguments);
    if (event === undefined || WATCHED_EVENTS.has(event)) this[kServer]?.sync();
    return result;
  } }[name];
  Object.defineProperty(Server.prototype, name, { value: method, writable: true, configurable: true });
}

Object.defineProperty(Server.prototype, '_emitCloseIfDrained', {
  value: function _emitCloseIfDrained() {
    // Node's has nothing to do but to count connections, for its log.
    if (this[kServer].handle && !netDebug.enabled && shortcuts.drained.open &&
        HttpServer.prototype._emitCloseIfDrained === plainDrained) {
      return;
    }
    HttpServer.prototype._emitCloseIfDrained.call(this);
    if (this._handle === null) this[kServer].retire();
  },
  writable: true,
  configurable: true,
});

refusalMethods.define(Server);

function createServer(options, requestListener) {
  return new Server(options, requestListener);
}

module.exports = { Server, createServer, ServerLink, replaceListener, shareConnections };
