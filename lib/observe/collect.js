'use strict';
// Metrics in a registry of prom-client. A registry takes any object that answers as its metrics do,
// so prom-client itself is not needed here.

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

  /** Counts of a server are never reset. */
  reset() {}
}

/** Registers the metrics of a server, or of several together. Read anew at each scrape. */
function collect(registry, servers) {
  if (typeof registry?.registerMetric !== 'function') {
    throw Object.assign(new TypeError('The registry must be one of prom-client'), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  const list = toServers(servers);
  for (const metric of METRICS) registry.registerMetric(new Metric(metric, list));
}

module.exports = { collect };
