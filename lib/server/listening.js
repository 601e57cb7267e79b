'use strict';
// How a server listens. Node binds the socket, with its own handling of ports, paths, DNS, clusters and errors, and
// gives the server a handle. `intercept` replaces `listen` of that handle, so that Rust listens on a duplicate of the
// descriptor.

const { AsyncResource } = require('async_hooks');
const { systemError } = require('../errors');
const { supported } = require('../engine');
const alive = require('../engine/alive');
const { afterDeliveries } = require('../engine/turn');
const { servers } = require('../delivery');
const { learnHandle } = require('../host/sockets');
const { dropped } = require('./accept');

const noop = () => {};

class Listening {
  constructor(link) {
    this.link = link;
    this.handle = null; // Node's listening handle
    this.listener = -1; // id of the native listener
    this.accepting = false;
    this.refed = true; // changed by server.ref() and server.unref()
    this.resource = null; // the async context of listen()
  }

  /** Replaces methods of a bound handle, so that Rust listens and not libuv. */
  intercept(handle) {
    if (!supported) {
      this.link.watchDrops(handle);
      return undefined;
    }
    if (!(handle.fd >= 0)) return this.interceptShared(handle);
    learnHandle(handle);
    const proto = Object.getPrototypeOf(handle);
    handle.listen = (backlog) => {
      // libuv reports a failed bind only here. listen(2) on the unbound socket would take a random port.
      const failed = handle.getsockname?.({});
      if (failed) return failed;
      this.resource = new AsyncResource('TCPSERVERWRAP', { requireManualDestroy: true });
      this.link.sync();
      const listener = this.link.native.listen(handle.fd, backlog);
      if (listener < 0) return listener;
      this.begin(listener);
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

  /**
   * Does the same for the handle of a cluster worker. There the primary accepts, and gives the worker connected
   * handles.
   */
  interceptShared(handle) {
    const { close, listen } = handle;
    handle.listen = (backlog) => {
      this.resource = new AsyncResource('TCPSERVERWRAP', { requireManualDestroy: true });
      this.link.sync();
      const result = listen.call(handle, backlog);
      if (!result) this.begin(-1);
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
        if (error) return void this.link.server.emit('error', systemError(error, 'accept'));
        learnHandle(client);
        this.link.sync();
        const result = this.link.native.adopt(client.fd);
        client.close();
        // As in Node, the event comes now. The connection was closed, and whoever notices may end the server.
        if (typeof result === 'string') dropped(this.link.server, ...result.split('\n'));
        else if (result < 0) this.link.server.emit('error', systemError(result, 'accept'));
      },
      set() {}, // ignores Node's own function, which would serve the connection as well
    });
  }

  begin(listener) {
    this.listener = listener;
    this.accepting = true;
    servers.set(this.link.id, this.link);
    alive.addServer(this.link.native);
    this.link.set('drainNotice', false);
    if (this.refed) alive.listeners(1);
    afterDeliveries(noop); // causes a turn, whose `beginTurn` notices what the program changes after this call
  }

  stop() {
    if (!this.accepting) return;
    this.accepting = false;
    if (this.listener >= 0) this.link.native.unlisten(this.listener);
    this.listener = -1;
    this.link.set('drainNotice', true);
    alive.listeners(this.refed ? -1 : 0);
    this.refed = true;
    this.resource.emitDestroy();
  }

  /** Forgets the server if it has neither a listener nor connections, so that it can be collected. */
  retire() {
    if (!supported || this.accepting || this.link.native.connections > 0) return;
    servers.delete(this.link.id);
    alive.removeServer(this.link.native);
  }

  ref(on) {
    if (this.refed === on) return;
    this.refed = on;
    if (this.accepting) {
      alive.listeners(on ? 1 : -1);
      this.link.sync();
    }
  }
}

module.exports = { Listening };
