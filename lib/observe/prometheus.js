'use strict';
// Metrics in the text format of Prometheus, version 0.0.4.

const { METRICS, samplesOf, toServers } = require('./metrics');

// Codes of the program's own may have any characters.
const escapeValue = (text) => text.replace(/[\\"\n]/g, (char) => ({ '\\': '\\\\', '"': '\\"', '\n': '\\n' }[char]))
  .replace(/[^\x20-\x7e]/g, '?');

function line(name, labels, value) {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`);
  return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`;
}

/** Returns the metrics of a server, or the sums over several, as text. */
function prometheus(servers) {
  const list = toServers(servers);
  const lines = [];
  for (const metric of METRICS) {
    lines.push(`# HELP ${metric.name} ${metric.help}`, `# TYPE ${metric.name} counter`);
    for (const { labels, value } of samplesOf(metric, list)) lines.push(line(metric.name, labels, value));
  }
  return `${lines.join('\n')}\n`;
}

module.exports = { prometheus };
