'use strict';
// Node's list of the connections of a server. It includes those that Rust owns.

const { traits } = require('../host');
const { overdueEntry, watchConnectionsList } = require('../host/servers');
const { supported } = require('../engine');
const { socketOf } = require('../delivery');
const { socketOnError } = require('../refusals/client-error');
const { kServer } = require('./key');

class ConnectionsList {
  constructor(link) {
    this.link = link;
  }

  /** Entries in the form of Node's list: the connections with these ids, and those that JavaScript reads and `injected` picks. */
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
   * Makes a list that Node has made for this server answer for our connections, too. Node's own parser adds to it,
   * where a program has that parse for our servers.
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

  /** The entries whose message is overdue. */
  expired(headersTimeout, requestTimeout) {
    if (this.link.stale()) this.link.sync();
    this.link.native.setLimits(headersTimeout, requestTimeout);
    const ids = supported ? this.link.native.expired(headersTimeout, requestTimeout) : [];
    const overdue = this.entries(ids,
      ({ feed }) => feed.parser.expired(headersTimeout, requestTimeout));
    return overdue.map(({ socket }) => overdueEntry((error) => socketOnError.call(socket, error)));
  }
}

/** Lets `share` have the list of each server of a class. */
function shareConnections(prototype) {
  watchConnectionsList(prototype, (server, list) => server[kServer]?.list.share(list));
}

module.exports = { ConnectionsList, shareConnections };
