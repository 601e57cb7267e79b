'use strict';
// Metrics of refusals with OpenTelemetry. They are printed once a second.

const { ConsoleMetricExporter, MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { createServer } = require('ferrohttp');
const { otel } = require('ferrohttp/observe');

const reader = new PeriodicExportingMetricReader({ exporter: new ConsoleMetricExporter(), exportIntervalMillis: 1000 });
const provider = new MeterProvider({ readers: [reader] });

const server = createServer((req, res) => res.end('hello\n'));
otel(provider.getMeter('my-service'), server);

server.listen(process.env.PORT ?? 8000);
