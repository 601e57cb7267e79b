'use strict';

// Closed loops over keep-alive connections.

const { closedLoop, figures } = require('../lib/measure.js');
const requests = require('./requests.js');

const columns = ['rps', 'cpu', 'p50', 'p99', 'rss', 'generator'];

function scenario(name, title, file, options, targets, argv = []) {
  const work = { mode: 'http', file, argv, options };
  return {
    name,
    title,
    columns,
    targets,
    work,
    async measure(context) {
      const { report, doubts } = await closedLoop(context, work);
      return { figures: figures(report), doubts };
    },
  };
}

const hello = { request: requests.hello, body: requests.helloBody };
const faster = (least) => ({ what: 'throughput', figure: 'rps', ratio: true, least });
const cheaper = (most) => ({ what: 'server CPU per request', figure: 'cpu', ratio: true, most });

module.exports = [
  scenario('hello-64', 'hello, 64 keep-alive connections', 'hello.js', { ...hello, connections: 64 },
    [faster({ 20: 3.3, 24: 3, 26: 3 }), cheaper({ 20: 0.28, 24: 0.32, 26: 0.32 })]),
  scenario('hello-1', 'hello, 1 connection', 'hello.js', { ...hello, connections: 1 }, [
    { what: 'p50', figure: 'p50', ratio: true, most: 0.75 },
    { what: 'p99', figure: 'p99', ratio: true, most: 1 },
  ]),
  scenario('pipelined', 'hello, 64 connections, pipelined 16 deep', 'hello.js',
    { ...hello, connections: 64, depth: 16 }, [faster(4)]),
  scenario('browser', "a browser's GET, 14 header fields, 1 KB JSON back", 'browser.js',
    { request: requests.browser, connections: 64 }, [faster(2.8), cheaper(0.33)]),
  scenario('post', 'POST of 1 KB JSON, parsed and echoed', 'echo.js',
    { request: requests.echo, body: requests.echoBody, connections: 64 }, [faster(2.5), cheaper(0.38)]),
  { ...scenario('express', 'Express 5 hello', 'express.js', { ...hello, connections: 64 }, [faster(1.15)]), needs: 'express' },
  { ...scenario('koa', 'Koa hello', 'koa.js', { ...hello, connections: 64 }, [faster(2)]), needs: 'koa' },
  { ...scenario('fastify', 'Fastify hello', 'fastify.js', { ...hello, connections: 64 }, [faster(2)]), needs: 'fastify' },
  scenario('cluster', 'hello, node:cluster with 2 workers, 64 connections', 'cluster.js', { ...hello, connections: 64 }, [], ['2']),
];
