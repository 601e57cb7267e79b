'use strict';
// Metrics in a registry of prom-client. A registry takes any object that has the methods of a metric, so this file does
// not need prom-client.

const { METRICS, samplesOf, toServers } = require('./metrics');

class Metric {
  constructor(metric, servers) {
    this.metric = metric;
    this.servers = servers;
    this.name = metric.name;
    this.help = metric.help;
    this.type = 'counter';
    this.aggregator = 'sum';
    this.labelNames = metric.labels;
  }

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: samplesOf(this.metric, this.servers) };
  }

  /** Does nothing, because a server never resets its counts. */
  reset() {}
}

/** Registers the metrics of a server, or the sums over several. They are read at each scrape. */
function collect(registry, servers) {
  if (typeof registry?.registerMetric !== 'function') {
    throw Object.assign(new TypeError('The registry must be one of prom-client'), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  const list = toServers(servers);
  for (const metric of METRICS) registry.registerMetric(new Metric(metric, list));
}

module.exports = { collect };
