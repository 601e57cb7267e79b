'use strict';
// The metrics that all exporters have in common. Labels are codes, reasons and ids of hints: never a peer, a target, a
// method or anything else that a client can choose.

/** Every metric: name, help, and its samples `[labels, value]`. */
const METRICS = [
  {
    name: 'ferrohttp_refusals_total',
    help: 'Refusals by code, reason and hint; dropped connections have the code DROPPED.',
    labels: ['code', 'reason', 'hint'],
    samples: ({ kinds }) => kinds.map(({ code, reason = '', hint = '', count }) => [{ code, reason, hint }, count]),
  },
  {
    name: 'ferrohttp_connections_dropped_total',
    help: 'Connections that were dropped at maxConnections.',
    labels: [],
    samples: ({ dropped }) => [[{}, dropped]],
  },
  {
    name: 'ferrohttp_connections_silent_total',
    help: 'Connections that ended before a request without an error.',
    labels: [],
    samples: ({ silent }) => [[{}, silent]],
  },
  {
    name: 'ferrohttp_connections_idle_closed_total',
    help: 'Connections that the server closed between two requests.',
    labels: [],
    samples: ({ idleCloses }) => [[{}, idleCloses]],
  },
  {
    name: 'ferrohttp_keepalive_races_total',
    help: 'Connections that the server closed between two requests while the next one was on its way.',
    labels: [],
    samples: ({ keepAliveRaces }) => [[{}, keepAliveRaces]],
  },
  {
    name: 'ferrohttp_tolerated_total',
    help: 'Messages that lenient parsing let through, by the code that strict parsing has for them.',
    labels: ['code'],
    samples: ({ tolerated }) => tolerated.map(({ code, count }) => [{ code }, count]),
  },
];

/** The samples of a metric, added up over several servers. */
function samplesOf(metric, servers) {
  const sums = new Map();
  for (const server of servers) {
    for (const [labels, value] of metric.samples(server.refusalStats())) {
      const key = JSON.stringify(labels);
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, { labels, value });
      else sum.value += value;
    }
  }
  return [...sums.values()];
}

/** Returns a list of servers from one server or an array of them. */
function toServers(servers) {
  const list = Array.isArray(servers) ? servers : [servers];
  for (const server of list) {
    if (typeof server?.refusalStats !== 'function') {
      throw Object.assign(new TypeError('The server must be one of ferrohttp, or an array of such servers'),
        { code: 'ERR_INVALID_ARG_TYPE' });
    }
  }
  return list;
}

module.exports = { METRICS, samplesOf, toServers };
