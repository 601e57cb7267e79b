'use strict';
// The parser of a connection that JavaScript reads: of an injected Duplex, of TLS, or of a socket that Rust no
// longer reads.

const { divert, traits } = require('../host');
const { handleOf, isThrottled, readHandle } = require('../host/sockets');
const { internalError } = require('../errors');
const { native: engine } = require('../engine');
const { keep, tell } = require('../delivery/records');
const { kServer } = require('../server/key');
const { startReading } = require('../socket/hand-over');
const { kEnded, kBehind } = require('../socket/keys');

class Feed {
  constructor(connection, parser, detached) {
    this.connection = connection;
    this.parser = parser; // a NativeParser
    this.detached = detached; // what a hand-over has brought, or null
    this.release = null; // gives a handle's bytes back to its stream
    this.unread = false; // bytes were waiting when the socket was closed for being idle
  }

  /** Parses a chunk that the socket's 'data' brought. */
  execute(chunk) {
    const { connection } = this;
    // If Node's parser would have consumed the handle (TLS), an error's rawPacket is a copy of the packet.
    this.run((parser) => parser.execute(engine, chunk), connection.consumed ? undefined : chunk);
    if (traits.packetEndsIdleTime) connection.endIdleTime();
  }

  /** The answer to a head with the upgrade bit; the parser goes on with the rest of the packet. */
  upgrade(accepted, packet) {
    this.run((parser) => parser.upgrade(engine, accepted), packet);
  }

  /** Tells the parser of FIN, which answers with the record END. */
  finish() {
    this.run((parser) => parser.finish(engine));
  }

  /** Runs the parser and tells what it found. If ferrohttp itself fails, only this connection ends. */
  run(act, packet) {
    const { socket } = this.connection;
    keep();
    let text;
    try {
      text = act(this.parser);
    } catch (error) {
      socket.destroy(internalError(error));
      return;
    }
    tell(socket, text, packet);
  }

  /** Takes what a handle reads before its stream does, as Node's parser would, until the connection is no longer HTTP. */
  consume(handle) {
    const { connection } = this;
    this.release = divert(handle, connection.socket, () => connection.feed === null, (bytes) => this.execute(bytes));
  }

  startReading(handle) {
    const { socket } = this.connection;
    // If Rust has parsed a packet that is still to be told, `caughtUp` comes later.
    if (!handle || socket[kEnded] || socket[kBehind] || socket.destroyed || isThrottled(socket) || socket.isPaused()) return;
    if (this.detached === null) readHandle(handle);
    else startReading(socket, handle, this.detached);
  }

  /** The socket is closed for being idle: what it does not know any more afterwards. */
  beforeIdleClose() {
    const { server, socket } = this.connection;
    void socket.remoteAddress; // which Node keeps once it was asked for
    // A TLS client says goodbye, so that bytes mean nothing.
    const fd = handleOf(socket)?.fd;
    if (fd >= 0 && !socket.encrypted) this.unread = server[kServer].native.hasUnread(fd);
  }

  /** Counts it if the server has closed the socket between two requests. */
  noteIdleClose() {
    const { connection, parser } = this;
    const { server, socket } = connection;
    if (!parser.begun || !connection.isIdle() || socket.readableEnded || socket.writableEnded || socket.errored) return;
    const { remoteAddress, remotePort } = socket;
    const peer = remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
    server[kServer].native.idleClosed(peer, parser.started || this.unread);
  }
}

module.exports = { Feed };
