'use strict';

const Koa = require('koa');
const { broken, digest, endless, stream } = require('./common.js');

async function json(req) {
  let text = '';
  req.setEncoding('utf8');
  for await (const chunk of req) text += chunk;
  return JSON.parse(text);
}

module.exports = (createServer, log) => {
  const app = new Koa();
  app.on('error', (error) => log('error', error.code ?? error.message));
  const routes = {
    'GET /hello'(ctx) {
      ctx.body = 'hello';
    },
    async 'POST /json'(ctx) {
      const got = await json(ctx.req).catch(() => ctx.throw(400, 'malformed'));
      ctx.body = { got };
    },
    'GET /stream'(ctx) {
      ctx.body = stream();
    },
    'GET /error'() {
      throw broken();
    },
    async 'POST /upload'(ctx) {
      ctx.body = await digest(ctx.req, log);
    },
    'GET /endless'(ctx) {
      ctx.body = endless();
    },
  };
  routes['HEAD /hello'] = routes['GET /hello'];
  app.use((ctx) => routes[`${ctx.method} ${ctx.path}`]?.(ctx));
  return createServer(app.callback());
};
