'use strict';

// What every framework app has to do. The apps (../apps) have these routes:
//   GET  /hello    'hello'
//   POST /json     { got: <the body as JSON> }
//   GET  /stream   'one', 'two', 'three' from a stream
//   GET  /error    throws
//   POST /upload   logs the first chunk, then replies { bytes, sha1 } of the body
//   GET  /endless  sends a chunk and never ends

const { message } = require('./client.js');

const CLOSE = ['Connection: close'];
const JSON_TYPE = 'Content-Type: application/json';
const UPLOAD = Buffer.alloc(300_000, 'ferrohttp ');

const SCRIPTS = {
  hello: {
    run: (bench) => bench.exchange(message('GET /hello', CLOSE)),
    shows: /HTTP\/1\.1 200 .*hello<FIN>.*GET \/hello res finish/,
  },
  'HEAD of hello': {
    run: (bench) => bench.exchange(message('HEAD /hello', CLOSE)),
    shows: /HTTP\/1\.1 200 .*\\r\\n\\r\\n<FIN>/,
  },
  'HTTP/1.0': {
    run: (bench) => bench.exchange('GET /hello HTTP/1.0\r\nHost: a\r\n\r\n'),
    shows: /HTTP\/1\.1 200 .*hello<FIN>/,
  },
  'JSON body': {
    run: (bench) => bench.exchange(message('POST /json', [...CLOSE, JSON_TYPE], '{"a":[1,"\\u00e9"]}')),
    shows: /200 OK.*\{\\"got\\":\{\\"a\\":\[1,\\"Ã©\\"\]\}\}/,
  },
  'chunked JSON body': {
    run: (bench) => bench.exchange('POST /json HTTP/1.1\r\nHost: a\r\nConnection: close\r\n' +
      `${JSON_TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n`),
    shows: /200 OK.*\{\\"got\\":\[1,2\]\}/,
  },
  'malformed JSON': {
    run: (bench) => bench.exchange(message('POST /json', [...CLOSE, JSON_TYPE], '{"a":')),
    shows: /HTTP\/1\.1 400 /,
  },
  stream: {
    run: (bench) => bench.exchange(message('GET /stream', CLOSE)),
    shows: /200 OK.*Transfer-Encoding: chunked.*3\\r\\none\\r\\n.*5\\r\\nthree\\r\\n0\\r\\n\\r\\n<FIN>/i,
  },
  error: {
    run: (bench) => bench.exchange(message('GET /error', CLOSE)),
    shows: /HTTP\/1\.1 500 /,
  },
  404: {
    run: (bench) => bench.exchange(message('GET /missing?a=1', CLOSE)),
    shows: /HTTP\/1\.1 404 /,
  },
  upload: {
    run: (bench) => bench.exchange(message('POST /upload', [...CLOSE, 'Content-Type: application/octet-stream'], UPLOAD)),
    shows: /200 OK.*\\"bytes\\":300000,\\"sha1\\":\\"[0-9a-f]{40}\\"/,
  },
  'upload after 100 Continue': {
    async run(bench) {
      const client = await bench.connect();
      const [head, body] = ['POST /upload HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n' +
        'Content-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\n', 'body'];
      client.send(head);
      await client.until('100 Continue\r\n\r\n');
      client.send(body);
      return client.finish();
    },
    shows: /100 Continue.*200 OK.*\\"bytes\\":4/,
  },
  'keep-alive: two requests, one connection': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /hello'));
      await client.until('hello');
      client.send(message('POST /json', [JSON_TYPE], '[1]'));
      await client.until('{"got":[1]}');
      client.send(message('GET /hello', CLOSE));
      return client.finish();
    },
    shows: /(Connection: keep-alive.*){2}Connection: close/i,
  },
  'pipelined requests': {
    run: (bench) => bench.exchange(Buffer.concat([
      message('GET /hello'), message('POST /json', [JSON_TYPE], '[1]'), message('GET /missing'),
      message('GET /hello', CLOSE),
    ])),
    shows: /200 OK.*hello.*got.*404 .*hello<FIN>/,
  },
  'a malformed request behind a good one': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /hello'));
      await client.until('hello');
      client.send('NONSENSE\r\n\r\n');
      return client.finish();
    },
    shows: /200 OK.*hello.*400 Bad Request/,
  },
  'client abort during the response': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('GET /endless'));
      await client.until('begun');
      await client.abort();
    },
    shows: /GET \/endless request.*GET \/endless res close.*socket close/,
  },
  'client abort during the upload': {
    async run(bench) {
      const client = await bench.connect();
      client.send(message('POST /upload', ['Content-Type: application/octet-stream'], UPLOAD).subarray(0, 1000));
      await bench.journal.until('upload begun');
      await client.abort();
    },
    shows: /POST \/upload request.*upload begun.*POST \/upload req aborted.*socket close/,
  },
};

module.exports = { CLOSE, SCRIPTS };
