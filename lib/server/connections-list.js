'use strict';
// Node's list of the connections of a server, with those that Rust owns.

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

  /**
   * Entries in the form of Node's list: the connections with these ids, and those that JavaScript reads and `injected`
   * selects.
   */
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
   * Adds our connections to the answers of a list that Node has made for this server. The list has entries of its own
   * if a program lets Node's parser serve one of our servers.
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
    // Since Node 26, connections that never sent a byte are idle, too.
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

/** Calls `share` with the connections list of each server of a class. */
function shareConnections(prototype) {
  watchConnectionsList(prototype, (server, list) => server[kServer]?.list.share(list));
}

module.exports = { ConnectionsList, shareConnections };
