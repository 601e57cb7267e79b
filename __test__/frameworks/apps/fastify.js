'use strict';

const fastify = require('fastify');
const { broken, digest, endless, stream } = require('./common.js');

module.exports = async (createServer, log) => {
  const app = fastify({ serverFactory: (handler) => createServer(handler) });
  app.addContentTypeParser('application/octet-stream', (request, payload, done) => done(null, payload));
  app.get('/hello', async () => 'hello');
  app.post('/json', async (request) => ({ got: request.body }));
  app.get('/stream', async (request, reply) => reply.send(stream()));
  app.get('/error', async () => {
    throw broken();
  });
  app.post('/upload', async (request) => digest(request.body, log));
  app.get('/endless', async (request, reply) => reply.send(endless()));
  app.addHook('onRequestAbort', async (request) => log('aborted', request.url));
  app.addHook('onError', async (request, reply, error) => log('error', error.code ?? error.message));
  await app.ready();
  return app.server;
};
