'use strict';
// What a server shares with the engine: settings that Rust uses without asking JavaScript, counts, and records about
// the server.

const http = require('http');
const { EventEmitter } = require('events');
const { debuglog } = require('util');
const { traits, refusalsArePlain } = require('../host');
const { eventCount, listenersOf } = require('../host/emitters');
const { emitCloseIfDrained, hasBlockList, watchDrops } = require('../host/servers');
const { handleOf } = require('../host/sockets');
const { codeOf, reasonOf, systemError } = require('../errors');
const { native: engine } = require('../engine');
const alive = require('../engine/alive');
const layout = require('../layout');
const { connectionListener } = require('../connection');
const { kId } = require('../socket/keys');
const { optionsOf } = require('../refusals/options');
const { setReplies } = require('../refusals/replies');
const { watch } = require('../refusals/watch');
const { accept, dropped, socketChannel } = require('./accept');
const { ConnectionsList } = require('./connections-list');
const { lenientFlags, warningIsDue } = require('./lenient');
const { Listening } = require('./listening');

const debug = debuglog('http'); // with NODE_DEBUG=http every refusal is logged

const { HEADER_PAIRS } = layout.limit;
const { DROPPED, DRAINED, ACCEPT_ERROR } = layout.record;

/** Node's own `emit`. */
const plainEmit = EventEmitter.prototype.emit;

/** An address and its port, as Rust takes them; undefined if there is none. */
function endpoint(address, port) {
  return typeof address === 'string' ? `${address} ${port}` : undefined;
}

/** What a server shares with the engine, under `server[kServer]`. */
class ServerLink {
  constructor(server, refusals) {
    this.server = server;
    this.native = engine.createServer();
    this.id = this.native.id;
    const { keep, excerpt, redact, log, replies, linger, native } = optionsOf(refusals);
    this.native.setRefusals(keep, excerpt, redact.fields, redact.query);
    setReplies(this.native, replies);
    this.linger = linger;
    this.native.set('linger', linger);
    this.staysNative = native; // a replaced `emit` does not make JavaScript hear of every connection
    this.replies = new Map(replies.map((reply) => [reply.code, reply.status]));
    this.watch = watch(server, this.native, log);
    this.listening = new Listening(this);
    this.list = new ConnectionsList(this);
    this.screens = false; // there was a block list at some time: connections count only after they have passed it
    this.injected = new Set(); // connections whose parser JavaScript feeds
    this.lastConnections = 0; // the number of connections that Node has read last
    this.values = new Map(); // settings that were given to Rust last
    this.seen = { emit: undefined, subscribed: false, events: 0, connection: undefined, plain: true }; // by the last `sync`
  }

  set(name, value) {
    const number = Number(value);
    if (this.values.get(name) === number) return;
    this.values.set(name, number);
    this.native.set(name, number);
  }

  /** Gives Rust the properties that it uses without asking JavaScript. */
  sync() {
    const { server } = this;
    const { seen } = this;
    seen.emit = server.emit;
    seen.subscribed = socketChannel.hasSubscribers;
    seen.events = eventCount(server);
    seen.connection = listenersOf(server, 'connection');
    this.set('maxHeaderSize', server.maxHeaderSize || http.maxHeaderSize);
    this.set('lenient', lenientFlags(server));
    this.set('maxHeaderPairs', typeof server.maxHeadersCount === 'number' ? server.maxHeadersCount << 1 : HEADER_PAIRS);
    const screened = Boolean(server.blockList) && hasBlockList();
    this.screens ||= screened;
    this.set('screened', screened);
    this.set('maxConnections', screened ? -1 : this.limit());
    this.set('noDelay', server.noDelay);
    this.set('keepAlive', server.keepAlive);
    this.set('keepAliveDelay', server.keepAliveInitialDelay || 0);
    // If the program could notice a connection, JavaScript hears of each one when it is accepted.
    const wrapped = seen.emit !== plainEmit && !this.staysNative;
    this.set('dropNotice', wrapped || listenersOf(server, 'drop') !== undefined);
    seen.plain = refusalsArePlain();
    const watched = wrapped || !(seen.plain || this.staysNative) || debug.enabled || warningIsDue(server) || seen.subscribed ||
      seen.connection !== connectionListener || server.timeout > 0 || !this.listening.refed || server.pauseOnConnect || screened;
    this.set('eager', watched);
    this.set('nativeRefusals', !watched && listenersOf(server, 'clientError') === undefined);
    this.set('idleIncludesSilent', traits.idleIncludesSilent);
    this.set('hangUpEnds', traits.hangUpEnds);
  }

  /** The number of connections at which further ones are dropped; -1 for no limit. */
  limit() {
    const max = this.server.maxConnections;
    return max === undefined || max === null || (traits.zeroConnectionsMeansAny && !max) ? -1 : max;
  }

  /** Whether something that no setter and no method of ours notices has changed since `sync`. */
  stale() {
    const { server, seen } = this;
    return server.emit !== seen.emit || refusalsArePlain() !== seen.plain || socketChannel.hasSubscribers !== seen.subscribed || warningIsDue(server) ||
      eventCount(server) !== seen.events || listenersOf(server, 'connection') !== seen.connection;
  }

  /**
   * Makes Rust read what the client of a refused connection still sends after the reply. Of a socket of Node's, Rust reads
   * a duplicate of the descriptor.
   */
  lingers(socket) {
    if (socket[kId] > 0) {
      engine.setRefused(socket[kId]);
      return;
    }
    const fd = handleOf(socket)?.fd;
    if (fd >= 0) this.native.linger(fd, this.linger);
  }

  /** A connection was dropped: by `maxConnections`, which has so many `open`, or with -1 by the block list. */
  noteDrop(peer, local, open) {
    const limit = open === -1 ? -1 : this.limit();
    this.native.dropped(endpoint(peer.address, peer.port), endpoint(local.address, local.port), limit, open);
  }

  /** Notes what Node drops of the connections that a listening handle accepts. */
  watchDrops(handle) {
    watchDrops(this.server, handle, () => this.limit(), (peer, local, open) => this.noteDrop(peer, local, open));
  }

  /** Tells Rust what became of a refusal, which counts it. Returns the number of the refusal. */
  refused(socket, error, { token, code }, outcome, status) {
    const id = socket[kId];
    if (id > 0 && token > 0 && error.code === code) {
      const number = engine.refused(token, id, this.id, outcome | status << 2);
      if (number > 0) return number;
    }
    return this.refusedAs(socket, error, token, outcome, status);
  }

  /** As `refused`, where Rust does not know the code and the reason, or not the connection. */
  refusedAs(socket, error, token, outcome, status) {
    const code = codeOf(error);
    const reason = token === undefined ? -1 : reasonOf(error);
    const id = socket[kId];
    if (id > 0) return this.native.refused(token ?? 0, id, code, reason, outcome, status, token === 0);
    const peer = endpoint(socket.remoteAddress, socket.remotePort);
    const local = endpoint(socket.localAddress, socket.localPort);
    const parser = socket.parser?.feed?.parser;
    return this.native.refused(token ?? 0, 0, code, reason, outcome, status, token === 0, parser, peer, local);
  }

  /** Code, count, code, count, ... of all refusals so far. */
  counts() {
    return this.native.counts();
  }

  /** Makes the socket of a native connection and announces it. Returns undefined if the connection was turned away. */
  onAccept(id) {
    if (this.stale()) this.sync();
    return this.listening.resource.runInAsyncScope(accept, undefined, this, id);
  }

  onServerRecord(type, number, text) {
    const { server } = this;
    if (type === DRAINED) {
      alive.update();
      emitCloseIfDrained(server);
    } else if (type === ACCEPT_ERROR) {
      // Connections wait in the backlog until descriptors are free again. An 'error' event would end a program that
      // does not listen for it.
      const { code, message } = systemError(-number, 'accept');
      process.emitWarning(`ferrohttp cannot accept connections: ${message}`, { code });
    } else if (type === DROPPED) {
      dropped(server, ...text.split('\n'));
    }
  }
}

module.exports = { ServerLink };
