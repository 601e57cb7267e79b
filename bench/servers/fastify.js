'use strict';

const fastify = require('fastify');
const { createServer, attend } = require('./common.js');

const app = fastify({ serverFactory: (handler) => createServer(handler) });
app.get('/', (request, reply) => {
  reply.send('Hello World\n');
});
app.listen({ port: 0, host: '127.0.0.1' }).then(() => attend(app.server));
