'use strict';
// Metrics for a meter of OpenTelemetry, with names by its conventions.

const { METRICS, samplesOf, toServers } = require('./metrics');

const [REFUSALS, DROPPED, SILENT, IDLE_CLOSED, RACES, TOLERATED] = METRICS;

const COUNTERS = [
  {
    name: 'ferrohttp.server.refusals',
    unit: '{refusal}',
    metric: REFUSALS,
    attributes({ code, reason, hint }) {
      const attributes = { 'error.type': code };
      if (reason !== '') attributes['ferrohttp.refusal.reason'] = reason;
      if (hint !== '') attributes['ferrohttp.refusal.hint'] = hint;
      return attributes;
    },
  },
  { name: 'ferrohttp.server.connections.dropped', unit: '{connection}', metric: DROPPED, attributes: () => ({}) },
  { name: 'ferrohttp.server.connections.silent', unit: '{connection}', metric: SILENT, attributes: () => ({}) },
  { name: 'ferrohttp.server.connections.idle_closed', unit: '{connection}', metric: IDLE_CLOSED, attributes: () => ({}) },
  { name: 'ferrohttp.server.keepalive_races', unit: '{connection}', metric: RACES, attributes: () => ({}) },
  { name: 'ferrohttp.server.tolerated', unit: '{message}', metric: TOLERATED, attributes: ({ code }) => ({ 'error.type': code }) },
];

/**
 * Makes observable counters that read a server, or the sums over several, at each collection. Returns a function that
 * stops them.
 */
function otel(meter, servers) {
  if (typeof meter?.createObservableCounter !== 'function') {
    throw Object.assign(new TypeError('The meter must be one of @opentelemetry/api'), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  const list = toServers(servers);
  const stops = COUNTERS.map(({ name, unit, metric, attributes }) => {
    const counter = meter.createObservableCounter(name, { description: metric.help, unit });
    const observe = (result) => {
      for (const { labels, value } of samplesOf(metric, list)) result.observe(value, attributes(labels));
    };
    counter.addCallback(observe);
    return () => counter.removeCallback(observe);
  });
  return () => stops.forEach((stop) => stop());
}

module.exports = { otel };
