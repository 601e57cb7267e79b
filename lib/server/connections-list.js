'use strict';
// Node's list of the connections of a server, which answers for those that Rust has, too.

const { symbols, traits } = require('../host');
const { supported } = require('../engine');
const { socketOf } = require('../delivery');
const { socketOnError } = require('../refusals/client-error');
const { kServer } = require('./key');

class ConnectionsList {
  constructor(link) {
    this.link = link;
  }

  /** Entries as Node's list has them: connections of these ids, and of those that JavaScript reads. */
  entries(ids, injected) {
    const entries = [];
    for (const id of ids) {
      const socket = socketOf(id);
      if (socket !== undefined) entries.push({ socket });
    }
    for (const connection of this.link.injected) {
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
    return this.entries(supported ? this.link.native.all() : [], () => true);
  }

  active() {
    return this.all().filter(({ socket }) => socket.parser?.incoming);
  }

  idle() {
    // Since Node 26 also those that never sent a byte.
    return this.entries(supported ? this.link.native.idle() : [], ({ dispatching, feed: { parser } }) =>
      !dispatching && (!parser.started || (traits.idleIncludesSilent && !parser.begun)));
  }

  /** Node's checker asks, makes the error, and gives it to the server of what looks like a socket. */
  expired(headersTimeout, requestTimeout) {
    if (this.link.stale()) this.link.sync();
    this.link.native.setLimits(headersTimeout, requestTimeout);
    const ids = supported ? this.link.native.expired(headersTimeout, requestTimeout) : [];
    const overdue = this.entries(ids,
      ({ feed }) => feed.parser.expired(headersTimeout, requestTimeout));
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

/** Lets `share` have the list of connections that Node puts under a symbol of each server that listens. */
function shareConnections(prototype) {
  Object.defineProperty(prototype, symbols.connections, {
    configurable: true,
    get() {
      return undefined;
    },
    set(list) {
      this[kServer]?.list.share(list);
      Object.defineProperty(this, symbols.connections, {
        value: list, writable: true, enumerable: true, configurable: true,
      });
    },
  });
}

module.exports = { ConnectionsList, shareConnections };
