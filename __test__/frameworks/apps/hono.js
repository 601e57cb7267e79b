'use strict';

const { Readable } = require('node:stream');
const { createAdaptorServer } = require('@hono/node-server');
const { Hono } = require('hono');
const { broken, digest, endless, stream } = require('./common.js');

module.exports = (createServer, log) => {
  const app = new Hono();
  app.get('/hello', (c) => c.text('hello'));
  app.post('/json', async (c) => {
    const got = await c.req.json().catch(() => undefined);
    return got === undefined ? c.text('malformed', 400) : c.json({ got });
  });
  app.get('/stream', (c) => c.body(Readable.toWeb(stream())));
  app.get('/error', () => {
    throw broken();
  });
  app.post('/upload', async (c) => c.json(await digest(c.req.raw.body, log)));
  app.get('/endless', (c) => c.body(Readable.toWeb(endless())));
  app.onError((error, c) => {
    log('error', error.message);
    return c.text('broken', 500);
  });
  return createAdaptorServer({ fetch: app.fetch, createServer });
};
