'use strict';

// ferrohttp/https and node:https: the same app, malformed requests, and bytes that are no TLS.
// The key pair in fixtures/ is for these tests only.

const fs = require('node:fs');
const path = require('node:path');
const net = require('node:net');
const https = require('node:https');
const { once } = require('node:events');
const { describe } = require('node:test');
const express = require('express');
const ours = require('ferrohttp/https');
const { compareApps } = require('./support/compare.js');
const { CLOSE, SCRIPTS } = require('./support/scripts.js');
const { message } = require('./support/client.js');
const { describeError } = require('../support/trace.js');
const buildExpress = require('./apps/express.js')(express);

const pem = (name) => fs.readFileSync(path.join(__dirname, `fixtures/test-only-localhost.${name}.pem`));
const KEYS = { key: pem('key'), cert: pem('cert') };
const TRUST = { ca: KEYS.cert, servername: 'localhost' };
const PAIR = [https, ours].map(({ createServer }) => ({
  createServer: (options, listener) =>
    (typeof options === 'function' ? createServer(KEYS, options) : createServer({ ...KEYS, ...options }, listener)),
}));

/** The script with connections that speak TLS. */
const secured = ({ run, ...rest }) => ({
  ...rest,
  run: (bench) => run({
    journal: bench.journal,
    connect: () => bench.connect(TRUST),
    exchange: (bytes) => exchange(bench, bytes),
  }),
});

async function exchange(bench, bytes) {
  const client = await bench.connect(TRUST);
  client.send(bytes);
  return client.finish();
}

describe('https', () => compareApps('Express over https', buildExpress,
  Object.fromEntries(Object.entries(SCRIPTS).map(([title, script]) => [title, secured(script)])), PAIR));

const MALFORMED = {
  method: ['NONSENSE\r\n\r\n', 'HPE_INVALID_METHOD'],
  'header field': ['GET / HTTP/1.1\r\nHost: a\r\nbad field: 1\r\n\r\n', 'HPE_INVALID_HEADER_TOKEN'],
  'head that is too large': [`GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 'HPE_HEADER_OVERFLOW'],
  'chunk size': ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'HPE_INVALID_CHUNK_SIZE'],
};

function malformed(shown) {
  const scripts = {};
  for (const [name, [bytes, code]] of Object.entries(MALFORMED)) {
    scripts[name] = { run: (bench) => exchange(bench, bytes), shows: shown(code) };
  }
  return scripts;
}

// This app reads no body, so the result of the error does not depend on the app.
const reply = (req, res) => {
  req.on('data', () => {});
  req.on('end', () => res.end('hello'));
};

describe('https: a malformed request without a listener', () =>
  compareApps('https, default', (createServer) => createServer(reply), malformed((code) => {
    return code === 'HPE_HEADER_OVERFLOW' ? /431 Request Header Fields Too Large/ : /400 Bad Request/;
  }), PAIR));

describe('https: a malformed request with a listener', () =>
  compareApps('https, clientError', (createServer, log) => {
    const server = createServer(reply);
    server.on('clientError', (error, socket) => {
      log('clientError', JSON.stringify(describeError(error)), socket.constructor.name, socket.encrypted, socket.writable);
      socket.end(`HTTP/1.1 400 ${error.code}\r\n\r\n`);
    });
    return server;
  }, {
    ...malformed((code) => new RegExp(`HTTP/1\\.1 400 ${code}.*clientError .*TLSSocket true true`)),
    'a good request': { run: (bench) => exchange(bench, message('GET /', CLOSE)), shows: /200 OK.*hello/ },
  }, PAIR));

describe('https: no TLS', () => compareApps('https, tlsClientError', (createServer, log) => {
  const server = createServer(reply);
  server.on('tlsClientError', (error, socket) => log('tlsClientError', error.code, socket.constructor.name));
  server.on('clientError', (error) => log('clientError', error.code));
  return server;
}, {
  'a request in plain text': {
    async run(bench) {
      const socket = net.connect(bench.server.address().port, '127.0.0.1');
      let received = '';
      socket.setEncoding('latin1').on('data', (chunk) => (received += chunk)).on('error', () => {});
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(socket, 'close');
      return received.length > 0;
    },
    shows: /tlsClientError ERR_SSL_HTTP_REQUEST TLSSocket/,
  },
}, PAIR));
