'use strict';

// Prometheus's text, prom-client and OpenTelemetry give the same numbers.

const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { test, before, after } = require('node:test');
const prom = require('prom-client');
const { MeterProvider, MetricReader } = require('@opentelemetry/sdk-metrics');
const ferrohttp = require('../../index.js');
const { collect, otel, prometheus } = require('../../lib/observe/index.js');

let servers;

async function refuse(server, bytes) {
  const client = net.connect(server.address().port, '127.0.0.1');
  client.on('error', () => {});
  client.end(bytes, 'latin1');
  await once(client.resume(), 'close');
}

before(async () => {
  servers = [];
  for (let i = 0; i < 2; i++) {
    const server = ferrohttp.createServer({}, (req) => req.destroy(Object.assign(new Error('mine'), { code: '"\n\x1b<b>' })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(server);
    for (const bytes of ['GET / HTTP/1.1\r\nBad Name: x\r\n\r\n', '\x16\x03\x01\0\x05\x01', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n']) {
      await refuse(server, bytes);
    }
  }
});
after(() => servers.forEach((server) => server.close()));

const EXPECTED = [
  [{ code: 'HPE_INVALID_HEADER_TOKEN', reason: 'Invalid header token', hint: 'space-in-name' }, 2],
  [{ code: 'HPE_INVALID_METHOD', reason: 'Invalid method encountered', hint: 'tls-hello' }, 2],
  [{ code: 'OTHER', reason: '', hint: '' }, 2],
];

test('Prometheus text', () => {
  const text = prometheus(servers);
  for (const [{ code, reason, hint }, count] of EXPECTED) {
    assert.ok(text.includes(`\nferrohttp_refusals_total{code="${code}",reason="${reason}",hint="${hint}"} ${count}\n`), text);
  }
  assert.match(text, /^[\x20-\x7e\n]+$/);
  for (const line of text.trim().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) ferrohttp_\w+ .+|ferrohttp_\w+(\{(\w+="[^"]*",?)+\})? \d+)$/);
  }
  assert.match(text, /\n# TYPE ferrohttp_connections_dropped_total counter\nferrohttp_connections_dropped_total 0\n/);
  assert.throws(() => prometheus({}), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('prom-client', async () => {
  const registry = new prom.Registry();
  collect(registry, servers);
  const metric = registry.getSingleMetric('ferrohttp_refusals_total');
  assert.deepStrictEqual((await metric.get()).values.map(({ labels, value }) => [labels, value]), EXPECTED);
  const samples = (text) => text.split('\n').filter((line) => /^ferrohttp/.test(line)).sort();
  assert.deepStrictEqual(samples(await registry.metrics()), samples(prometheus(servers)));
  registry.resetMetrics();
  assert.throws(() => collect({}, servers), { code: 'ERR_INVALID_ARG_TYPE' });
});

class Reader extends MetricReader {
  async onForceFlush() {}
  async onShutdown() {}
}

test('OpenTelemetry', async () => {
  const reader = new Reader();
  const provider = new MeterProvider({ readers: [reader] });
  const stop = otel(provider.getMeter('test'), servers);
  const points = async () => {
    const { resourceMetrics } = await reader.collect();
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return metrics.find(({ descriptor }) => descriptor.name === 'ferrohttp.server.refusals')?.dataPoints ?? [];
  };
  assert.deepStrictEqual((await points()).map(({ attributes, value }) => [attributes, value]), EXPECTED.map(([{ code, reason, hint }, count]) => [
    { 'error.type': code, ...(reason && { 'ferrohttp.refusal.reason': reason }), ...(hint && { 'ferrohttp.refusal.hint': hint }) }, count,
  ]));
  // After it is stopped, it reads nothing.
  stop();
  await refuse(servers[0], 'GET / HTTP/1.1\r\nBad Name: x\r\n\r\n');
  assert.strictEqual(servers[0].refusalStats().total, 4);
  assert.strictEqual((await points())[0]?.value ?? 2, 2);
  await provider.shutdown();
});
