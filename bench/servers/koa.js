'use strict';

const Koa = require('koa');
const { createServer, serve } = require('./common.js');

const app = new (Koa.default || Koa)();
app.use((ctx) => {
  ctx.body = 'Hello World\n';
});
serve(createServer(app.callback()));
