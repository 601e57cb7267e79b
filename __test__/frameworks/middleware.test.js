'use strict';

// Middleware and tools of the Express and Connect world, on node:http and on ferrohttp.

const http = require('node:http');
const path = require('node:path');
const zlib = require('node:zlib');
const { once } = require('node:events');
const { describe } = require('node:test');
const bodyParser = require('body-parser');
const compression = require('compression');
const express = require('express');
const httpProxy = require('http-proxy');
const morgan = require('morgan');
const serveStatic = require('serve-static');
const supertest = require('supertest');
const { compareApps } = require('./support/compare.js');
const { CLOSE } = require('./support/scripts.js');
const { message } = require('./support/client.js');
const { broken, digest, endless, stream } = require('./apps/common.js');

const PUBLIC = path.join(__dirname, 'fixtures/public');
const get = (target, ...fields) => (bench) => bench.exchange(message(`GET ${target}`, [...CLOSE, ...fields]));
const post = (target, type, body, ...fields) => (bench) =>
  bench.exchange(message(`POST ${target}`, [...CLOSE, `Content-Type: ${type}`, ...fields], body));

/** What follows the middleware in an app of its own, without a framework. */
function finish(res, error) {
  res.statusCode = error ? error.status ?? 500 : 404;
  res.end(error ? error.message : 'nothing here');
}

describe('body-parser', () => compareApps('body-parser', (createServer, log) => {
  const parsers = {
    '/json': bodyParser.json({ limit: '1kb' }),
    '/form': bodyParser.urlencoded({ extended: true }),
    '/text': bodyParser.text({ defaultCharset: 'latin1' }),
    '/raw': bodyParser.raw({ type: '*/*', limit: '1mb' }),
  };
  return createServer((req, res) => parsers[req.url](req, res, (error) => {
    log('parsed', error?.type ?? typeof req.body);
    if (error) return finish(res, error);
    res.end(JSON.stringify(req.body));
  }));
}, {
  JSON: { run: post('/json', 'application/json', '{"a":1}'), shows: /200 OK.*\{\\"a\\":1\}/ },
  'malformed JSON': { run: post('/json', 'application/json', '{'), shows: /400 .*entity.parse.failed/ },
  'JSON beyond the limit': {
    run: post('/json', 'application/json', JSON.stringify('a'.repeat(2000))),
    shows: /413 Payload Too Large.*entity.too.large/,
  },
  form: { run: post('/form', 'application/x-www-form-urlencoded', 'a[b]=1&c=%20'), shows: /\{\\"a\\":\{\\"b\\":\\"1\\"\},\\"c\\":\\" \\"\}/ },
  text: { run: post('/text', 'text/plain', Buffer.from('caf\xe9', 'latin1')), shows: /200 OK/ },
  'gzip body': {
    run: post('/json', 'application/json', zlib.gzipSync('{"zipped":true}'), 'Content-Encoding: gzip'),
    shows: /200 OK.*zipped/,
  },
  'raw body of many packets': { run: post('/raw', 'application/x-a', Buffer.alloc(100_000, 1)), shows: /200 OK/ },
  'client abort in a body': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('POST /raw', ['Content-Type: application/x-a'], 'x'.repeat(100)).subarray(0, -1));
      await bench.journal.until('POST /raw request');
      await client.abort();
    },
    shows: /POST \/raw req aborted.*parsed request\.aborted|parsed request\.aborted.*POST \/raw req aborted/,
  },
}));

describe('compression', () => compareApps('compression', (createServer) => {
  const compress = compression({ threshold: 100 });
  return createServer((req, res) => compress(req, res, () => {
    res.setHeader('Content-Type', 'text/plain');
    if (req.url === '/short') res.end('short');
    else if (req.url === '/stream') stream().pipe(res);
    else if (req.url === '/endless') endless().on('data', (chunk) => res.write(chunk, () => res.flush()));
    else res.end('long enough '.repeat(1000));
  }));
}, {
  gzip: { run: get('/long', 'Accept-Encoding: gzip'), shows: /Content-Encoding: gzip/i },
  deflate: { run: get('/long', 'Accept-Encoding: deflate'), shows: /Content-Encoding: deflate/i },
  'not accepted': { run: get('/long'), shows: /Vary: Accept-Encoding.*2ee0\\r\\nlong enough/ },
  'below the threshold': { run: get('/short', 'Accept-Encoding: gzip'), shows: /5\\r\\nshort/ },
  stream: { run: get('/stream', 'Accept-Encoding: gzip'), shows: /Transfer-Encoding: chunked.*<FIN>/i },
  HEAD: {
    run: (bench) => bench.exchange(message('HEAD /long', [...CLOSE, 'Accept-Encoding: gzip'])),
    shows: /200 OK.*\\r\\n\\r\\n<FIN>/,
  },
  'keep-alive': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /long', ['Accept-Encoding: gzip']));
      await client.until('\r\n0\r\n\r\n');
      client.send(message('GET /long', [...CLOSE, 'Accept-Encoding: gzip']));
      return client.finish();
    },
    shows: /(200 OK.*Content-Encoding: gzip.*){2}<FIN>/i,
  },
  'client abort': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /endless', ['Accept-Encoding: gzip']));
      await client.until('\r\n\r\n');
      await client.abort();
    },
    shows: /GET \/endless res close/,
  },
}));

describe('morgan', () => compareApps('morgan', (createServer, log) => {
  const format = ':remote-addr :method :url HTTP/:http-version :status :res[content-length] :req[x-a] :user-agent';
  const logger = morgan(format, { stream: { write: (line) => log('log', line.trim()) } });
  return createServer((req, res) => logger(req, res, () => {
    if (req.url === '/stream') return stream().pipe(res);
    if (req.url === '/endless') return endless().pipe(res);
    res.setHeader('Content-Length', 5);
    res.end('hello');
  }));
}, {
  hello: { run: get('/hello', 'X-A: b'), shows: /log 127\.0\.0\.1 GET \/hello HTTP\/1\.1 200 5 b -/ },
  stream: { run: get('/stream'), shows: /log 127\.0\.0\.1 GET \/stream HTTP\/1\.1 200 - - -/ },
  'client abort': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /endless'));
      await client.until('begun');
      await client.abort();
    },
    shows: /log \S* ?GET \/endless/,
  },
}));

describe('serve-static', () => compareApps('serve-static', (createServer) => {
  const serve = serveStatic(PUBLIC);
  return createServer((req, res) => serve(req, res, (error) => finish(res, error)));
}, {
  file: { run: get('/digits.txt'), shows: /200 OK.*0123456789/ },
  index: { run: get('/'), shows: /200 OK.*text\/html.*<p>index/ },
  HEAD: { run: (bench) => bench.exchange(message('HEAD /digits.txt', CLOSE)), shows: /200 OK.*Content-Length: 11.*\\r\\n\\r\\n<FIN>/i },
  range: { run: get('/digits.txt', 'Range: bytes=2-4'), shows: /206 Partial Content.*234<FIN>/ },
  'range beyond the end': { run: get('/digits.txt', 'Range: bytes=90-'), shows: /416 Range Not Satisfiable/ },
  'not modified': {
    run: get('/digits.txt', 'If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT'),
    shows: /304 Not Modified/,
  },
  404: { run: get('/missing'), shows: /404 Not Found.*nothing here/ },
  'a path that leaves the folder': { run: get('/../digits.txt'), shows: /40[34] / },
}));

describe('supertest', () => compareApps('supertest', (createServer, log) => {
  const app = express();
  app.set('env', 'test');
  app.get('/hello', (req, res) => res.set('X-A', 'b').send('hello'));
  app.post('/json', express.json(), (req, res) => res.status(201).json(req.body));
  app.post('/upload', (req, res, next) => digest(req, log).then((sum) => res.json(sum), next));
  app.get('/error', () => {
    throw broken();
  });
  return createServer(app);
}, {
  requests: {
    async run({ server }) {
      const seen = [];
      const agent = supertest(server);
      const note = ({ status, headers: { date, ...headers }, text }) => seen.push([status, headers, text]);
      note(await agent.get('/hello').expect(200, 'hello').expect('X-A', 'b'));
      note(await agent.post('/json').send({ a: 1 }).expect(201, { a: 1 }));
      note(await agent.post('/upload').type('application/octet-stream').send(Buffer.alloc(70_000)).expect(200));
      note(await agent.get('/error').expect(500));
      note(await agent.get('/missing').expect(404));
      return seen;
    },
    resultOnly: true, // one connection may close while the next is served
    shows: /\[200,.*hello.*\[201,.*\[200,.*70000.*\[500,.*\[404,/,
  },
}));

describe('supertest with a server of its own', () => compareApps('supertest listens', (createServer) => createServer(), {
  hello: {
    async run({ createServer }) {
      const server = createServer((req, res) => res.end('hello'));
      const { status, text } = await supertest(server).get('/').expect(200);
      if (server.listening) {
        server.close();
        await once(server, 'close');
      }
      return { status, text };
    },
    shows: /"status":200,"text":"hello"/,
  },
}));

describe('http-proxy', () => compareApps('http-proxy', async (createServer, log) => {
  const backend = createServer((req, res) => {
    if (req.url === '/stream') return stream().pipe(res);
    if (req.url === '/endless') return endless().pipe(res);
    if (req.url === '/upload') return digest(req, () => {}).then((sum) => res.end(JSON.stringify(sum)));
    res.setHeader('X-Backend', req.headers['x-forwarded-for'] ?? 'none');
    res.end(`${req.method} ${req.url}`);
  });
  backend.on('upgrade', (req, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  await once(backend.listen(0, '127.0.0.1'), 'listening');
  const agent = new http.Agent({ keepAlive: true });
  const target = { host: '127.0.0.1', port: backend.address().port };
  const proxy = httpProxy.createProxyServer({ agent, target, xfwd: true });
  proxy.on('error', (error, req, res) => {
    log('proxy error', error.code);
    if (res.writeHead) finish(res, Object.assign(new Error('bad gateway'), { status: 502 }));
    else res.destroy();
  });
  const server = createServer((req, res) => proxy.web(req, res));
  server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));
  server.on('close', () => {
    agent.destroy();
    backend.close();
    backend.closeAllConnections();
  });
  return server;
}, {
  hello: { run: get('/hello'), shows: /200 OK.*x-backend: 127\.0\.0\.1.*GET \/hello<FIN>/i },
  stream: { run: get('/stream'), shows: /200 OK.*one.*two.*three/ },
  upload: { run: post('/upload', 'application/octet-stream', Buffer.alloc(200_000, 7)), shows: /200 OK.*200000/ },
  'keep-alive': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /first'));
      await client.until('GET /first');
      client.send(message('GET /second', CLOSE));
      return client.finish();
    },
    shows: /GET \/first.*GET \/second/,
  },
  upgrade: {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /', ['Connection: Upgrade', 'Upgrade: websocket']));
      await client.until('\r\n\r\n');
      client.send('through two servers');
      await client.until('through two servers');
      client.socket.end();
      return client.finish();
    },
    shows: /101 Switching Protocols.*through two servers/,
  },
  'client abort': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /endless'));
      await client.until('begun');
      await client.abort();
    },
    shows: /GET \/endless res close.*socket close/,
  },
}));
