'use strict';

// nginx, HAProxy and Envoy in front of an app on node:http and on ferrohttp: what the app sees, what clients of the
// proxy read, and the number of connections.

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { node, ours } = require('../support/implementations.js');
const { HOST, find, freePort, listening } = require('./programs.js');

const PROXIES = {
  nginx: {
    args: (folder) => ['-p', folder, '-e', 'stderr', '-c', path.join(folder, 'config')],
    // nginx prints this when its sockets listen.
    ready: /start worker process /,
    // By default the proxy takes a half-closed client for one that has gone.
    config: (folder, port, upstream) => `
      daemon off;
      worker_processes 1;
      pid ${folder}/pid;
      error_log stderr notice;
      events { worker_connections 256; }
      http {
        access_log off;
        client_body_temp_path ${folder}/body;
        proxy_temp_path ${folder}/proxy;
        fastcgi_temp_path ${folder}/fastcgi;
        uwsgi_temp_path ${folder}/uwsgi;
        scgi_temp_path ${folder}/scgi;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host app;
        proxy_buffering off;
        proxy_request_buffering off;
        proxy_next_upstream off;
        upstream app { server ${HOST}:${upstream}; keepalive 8; }
        server {
          listen ${HOST}:${port};
          location / { proxy_pass http://app; }
          location /half { proxy_pass http://app; proxy_ignore_client_abort on; }
        }
      }`,
  },
  haproxy: {
    args: (folder) => ['-W', '-db', '-f', path.join(folder, 'config')],
    ready: /Loading success/,
    config: (folder, port, upstream) => `
global
  nbthread 1
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend clients
  bind ${HOST}:${port}
  default_backend app
backend app
  http-request set-header Host app
  server app ${HOST}:${upstream}
`,
  },
  envoy: {
    args: (folder) => ['--disable-hot-restart', '--concurrency', '1', '-c', path.join(folder, 'config.yaml')],
    ready: /starting workers/,
    file: 'config.yaml',
    // Its client's half-close is the end of the client, whatever the configuration.
    without: ['a half-closed client'],
    config: (folder, port, upstream) => `
static_resources:
  listeners:
    - address: { socket_address: { address: ${HOST}, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: clients
                generate_request_id: false
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ['*']
                      routes:
                        - match: { prefix: / }
                          route: { cluster: app, host_rewrite_literal: app }
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                      suppress_envoy_headers: true
  clusters:
    - name: app
      connect_timeout: 10s
      load_assignment:
        cluster_name: app
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: ${HOST}, port_value: ${upstream} } } }
`,
  },
};

/** Starts the proxy and returns its port. The proxy is stopped when the test ends. */
async function startProxy(t, { name, binary, upstream }) {
  const { args, config, file = 'config', ready } = PROXIES[name];
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-proxy-'));
  fs.chmodSync(folder, 0o755);
  const port = await freePort();
  fs.writeFileSync(path.join(folder, file), config(folder, port, upstream));
  const child = spawn(binary, args(folder), { stdio: ['ignore', 'ignore', 'pipe'] });
  const closed = once(child, 'close');
  t.after(async () => {
    child.kill('SIGTERM');
    await closed;
    fs.rmSync(folder, { recursive: true, force: true });
  });
  let said = '';
  await new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (ready.test(said)) resolve();
    });
    child.on('close', () => reject(new Error(`${name} did not start: ${said}`)));
  });
  await listening(port);
  return port;
}

/** The app, with its log and the number of its connections. */
async function startApp(t, { createServer }) {
  const app = { log: [], connections: 0 };
  const gone = new Promise((resolve) => (app.leave = resolve));
  const server = createServer(async (req, res) => {
    const { connection, host } = req.headers;
    const framing = req.headers['transfer-encoding'] ?? req.headers['content-length'];
    app.log.push([req.method, req.url, req.httpVersion, connection, host, framing]);
    if (req.url === '/endless') {
      const fill = () => {
        while (res.write('x'.repeat(65_536)));
      };
      res.on('drain', fill);
      res.on('close', () => {
        app.log.push(['close', res.writableEnded, res.writableFinished, req.destroyed, res.destroyed]);
        app.leave();
      });
      return fill();
    }
    const parts = [];
    for await (const part of req) parts.push(part);
    const body = Buffer.concat(parts).toString('latin1');
    if (req.url === '/chunked') res.write('written ');
    res.end(`${req.method} ${req.url} ${body}`);
  });
  server.on('connection', () => app.connections++);
  server.on('clientError', (err, socket) => {
    app.log.push(['clientError', err.code]);
    socket.destroy();
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return Object.assign(app, { gone, port: server.address().port });
}

function request(port, options, parts = []) {
  return new Promise((resolve, reject) => {
    const req = http.request({ port, host: HOST, agent: false, ...options }, (res) => {
      let body = '';
      res.setEncoding('latin1').on('data', (text) => (body += text)).on('error', reject);
      res.on('end', () => resolve([res.statusCode, res.headers['transfer-encoding'], body]));
    });
    req.on('error', reject);
    for (const part of parts) req.write(part);
    req.end();
  });
}

async function readAll(socket) {
  let read = '';
  for await (const text of socket.setEncoding('latin1')) read += text;
  return read.replace(/^date: .*\r\n/im, '');
}

const SCENES = {
  async 'many requests over few connections'(port, app) {
    const answers = [];
    for (let i = 0; i < 60; i++) answers.push(await request(port, { path: `/${i}` }));
    assert.ok(answers.every(([status, , body], i) => status === 200 && body === `GET /${i} `));
    assert.ok(app.connections <= 3, `${app.connections} connections for 60 requests`);
    return answers;
  },

  async 'bodies of both framings, both ways'(port, app) {
    const large = 'b'.repeat(300_000);
    const answers = [];
    for (const url of ['/sized', '/chunked']) {
      const sized = { method: 'POST', path: url, headers: { 'Content-Length': large.length } };
      answers.push(await request(port, sized, [large]));
      answers.push(await request(port, { method: 'POST', path: url }, ['one', 'two', large]));
    }
    assert.deepStrictEqual(answers.map(([status]) => status), [200, 200, 200, 200]);
    assert.ok(answers.every(([, , body]) => body.endsWith(large)));
    assert.deepStrictEqual(app.log.map((line) => line[5]), ['300000', 'chunked', '300000', 'chunked']);
    return answers;
  },

  async 'a client that resets amid the response'(port, app) {
    const socket = net.connect(port, HOST);
    socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.resetAndDestroy();
    await app.gone;
    // The next is served all the same.
    return request(port, { path: '/after' });
  },

  async 'a half-closed client'(port) {
    const socket = net.connect({ port, host: HOST, allowHalfOpen: true });
    socket.end('GET /half HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const read = await readAll(socket);
    assert.match(read, /^HTTP\/1.1 200 [^]*GET \/half /);
    return read;
  },

  async 'a malformed request'(port, app) {
    const socket = net.connect(port, HOST);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n');
    const read = await readAll(socket);
    assert.match(read, /^HTTP\/1.\d 400 /);
    assert.deepStrictEqual([app.log, app.connections], [[], 0]);
    return read;
  },
};

for (const name of Object.keys(PROXIES)) {
  const binary = find(name);
  const skip = !binary && `${name} is not installed`;
  for (const [scene, play] of Object.entries(SCENES)) {
    if (PROXIES[name].without?.includes(scene)) continue;
    test(`${name}: ${scene}`, { skip }, async (t) => {
      const seen = [];
      for (const implementation of [node, ours]) {
        const app = await startApp(t, implementation);
        const port = await startProxy(t, { name, binary, upstream: app.port });
        const result = await play(port, app);
        seen.push({ result, log: app.log });
      }
      assert.deepStrictEqual(seen[1], seen[0]);
    });
  }
}
