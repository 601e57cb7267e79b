'use strict';
// Metrics of refusals together with those of prom-client: http://localhost:8000/metrics

const { Registry, collectDefaultMetrics } = require('prom-client');
const { createServer } = require('ferrohttp');
const { collect } = require('ferrohttp/observe');

const registry = new Registry();
collectDefaultMetrics({ register: registry });

const server = createServer(async (req, res) => {
  if (req.url !== '/metrics') return res.end('hello\n');
  res.setHeader('Content-Type', registry.contentType);
  return res.end(await registry.metrics());
});
collect(registry, server);

server.listen(process.env.PORT ?? 8000);
