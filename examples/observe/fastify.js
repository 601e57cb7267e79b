'use strict';
// Fastify on ferrohttp. Fastify always has a 'clientError' listener. Here the listener is `refuse`, which sends the
// server's replies.

const Fastify = require('fastify');
const { createServer } = require('ferrohttp');
const { refuse } = require('ferrohttp/observe');

const replies = {
  default: { status: 400, headers: { 'Content-Type': 'application/json' }, body: '{"error":"{code}","field":"{field}"}' },
};

const app = Fastify({
  serverFactory: (handler) => createServer({ refusals: { replies } }, handler),
  clientErrorHandler: refuse,
});
app.get('/', async () => 'hello\n');
app.get('/refusals', async () => app.server.refusalStats());

app.listen({ port: Number(process.env.PORT ?? 8000) });
