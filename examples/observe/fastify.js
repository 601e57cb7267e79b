'use strict';
// Fastify on ferrohttp, with the page of refusals: http://localhost:8000/refusals
// Fastify always has a 'clientError' listener of its own; `refuse` in its place answers with the server's
// replies.

const Fastify = require('fastify');
const { createServer } = require('ferrohttp');
const { page, refuse } = require('ferrohttp/observe');

const replies = {
  default: { status: 400, headers: { 'Content-Type': 'application/json' }, body: '{"error":"{code}","field":"{field}"}' },
};

const app = Fastify({
  serverFactory: (handler) => createServer({ refusals: { replies } }, handler),
  clientErrorHandler: refuse,
});
app.get('/', async () => 'hello\n');
app.get('/stats', async () => app.server.refusalStats());

const refusals = page(app.server);
app.get('/refusals*', (request, reply) => {
  reply.hijack(); // the page answers
  refusals(request.raw, reply.raw);
});

app.listen({ port: Number(process.env.PORT ?? 8000) });
