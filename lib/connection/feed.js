'use strict';
// The parser of a connection that JavaScript reads: of a Duplex that was given to the server, of TLS, or of a socket
// that was handed over.

const { divert, traits } = require('../host');
const { handleOf, isPaused, isThrottled, readHandle } = require('../host/sockets');
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
    this.detached = detached; // what `engine.detach` returned, or null
    this.release = null; // lets the stream read the handle again
    this.unread = false; // bytes were unread when the socket was closed because it was idle
  }

  /** Parses a chunk of the socket's 'data' event. */
  execute(chunk) {
    const { connection } = this;
    // If Node's parser would have consumed the handle (as with TLS), rawPacket of an error is a copy of the packet.
    this.run((parser) => parser.execute(engine, chunk), connection.consumed ? undefined : chunk);
    if (traits.packetEndsIdleTime) connection.endIdleTime();
  }

  /** Answers a head with the upgrade bit. The parser goes on with the rest of the packet. */
  upgrade(accepted, packet) {
    this.run((parser) => parser.upgrade(engine, accepted), packet);
  }

  /** Reports FIN to the parser, which answers with the record END. */
  finish() {
    this.run((parser) => parser.finish(engine));
  }

  /** Runs the parser and dispatches its records. If ferrohttp itself fails, only this connection ends. */
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

  /**
   * Gets the bytes of a handle instead of its stream, as Node's parser does, until the connection is no longer HTTP.
   */
  consume(handle) {
    const { connection } = this;
    this.release = divert(handle, connection.socket, () => connection.feed === null, (bytes) => this.execute(bytes));
  }

  startReading(handle) {
    const { socket } = this.connection;
    // If a packet that Rust has parsed was not dispatched yet, `caughtUp` calls this later.
    if (!handle || socket[kEnded] || socket[kBehind] || socket.destroyed || isThrottled(socket) || isPaused(socket)) return;
    if (this.detached === null) readHandle(handle);
    else startReading(socket, handle, this.detached);
  }

  /** Notes what cannot be found out after the socket is closed because it was idle. */
  beforeIdleClose() {
    const { server, socket } = this.connection;
    void socket.remoteAddress; // Node keeps it from now on
    // With TLS, unread bytes may be the client's closing alert and not a request.
    const fd = handleOf(socket)?.fd;
    if (fd >= 0 && !socket.encrypted) this.unread = server[kServer].native.hasUnread(fd);
  }

  /** Counts the connection if the server has closed it between two requests. */
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
