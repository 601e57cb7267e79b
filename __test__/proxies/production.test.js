'use strict';

// The configurations of examples/production and what docs/production.md says of them.

const assert = require('node:assert');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { execFile, spawn } = require('node:child_process');
const { once } = require('node:events');
const { test } = require('node:test');
const { promisify } = require('node:util');
const implementations = require('../support/implementations.js');
const { patience } = require('../support/patience.js');
const { HOST, find, freePort, listening } = require('./programs.js');

/** What was not answered by then is lost. */
const LOST_MS = 20_000 * patience;

const EXAMPLES = path.join(__dirname, '../../examples');

const example = (name) => fs.readFileSync(path.join(EXAMPLES, name), 'utf8');

const needs = (program) => ({ skip: !find(program) && `${program} is not installed` });

/** Starts a program; resolves with it once what it prints matches. It goes when the test ends. */
async function start(t, command, args, ready, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  t.after(async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000);
    await closed;
    clearTimeout(late);
  });
  let said = '';
  child.match = await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        const found = ready.exec(said);
        if (found) resolve(found);
      });
    }
    child.on('close', () => reject(new Error(`${command} did not start: ${said}`)));
  });
  child.closed = closed;
  return child;
}

async function startApp(t, name = 'production/server.js', env) {
  const child = await start(t, process.execPath, [path.join(EXAMPLES, name)], /^port (\d+)$/m, { PORT: '0', ...env });
  return { child, port: Number(child.match[1]) };
}

/** Writes a configuration with other ports than the example's, and returns its path. */
function configure(t, name, changes) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-production-'));
  fs.chmodSync(folder, 0o777);
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  let text = example(name);
  for (const [from, to] of changes) {
    assert.ok(text.includes(from), from);
    text = text.replaceAll(from, to.replaceAll('FOLDER', folder));
  }
  const file = path.join(folder, path.basename(name));
  fs.writeFileSync(file, text);
  return { file, folder };
}

function get(port, url, options) {
  return new Promise((resolve, reject) => {
    const req = http.get({ port, host: HOST, path: url, agent: false, timeout: LOST_MS, ...options }, (res) => {
      let body = '';
      res.setEncoding('latin1').on('data', (text) => { body += text; }).on('end', () => resolve([res.statusCode, body]));
    });
    req.on('timeout', () => req.destroy(new Error(`no answer from port ${port}`))).on('error', reject);
  });
}

/**
 * Sends one request after the other until `stop`. `more` waits for so many answers; both fail with the request that
 * failed.
 */
function startLoad(port) {
  let answered = 0;
  let stopped = false;
  let failure;
  const over = (async () => {
    while (!stopped) {
      assert.deepStrictEqual(await get(port, '/'), [200, 'hello\n']);
      answered++;
    }
  })().catch((error) => { failure = error; });
  const check = () => {
    if (failure !== undefined) throw failure;
  };
  return {
    async more(count) {
      for (const wanted = answered + count; answered < wanted; check()) await new Promise(setImmediate);
    },
    async stop() {
      stopped = true;
      await over;
      check();
    },
  };
}

test('each proxy of the examples closes idle connections before the server does', () => {
  const [, server] = /keepAliveTimeout = ([\d_]+);/.exec(example('production/server.js'));
  const idle = {
    'nginx.conf': /keepalive_timeout (\d+)s;/,
    'haproxy.cfg': /pool-purge-delay (\d+)s/,
    'envoy.yaml': /idle_timeout: (\d+)s/,
  };
  for (const [name, pattern] of Object.entries(idle)) {
    const [, seconds] = pattern.exec(example(`production/${name}`));
    assert.ok(Number(seconds) * 1000 < Number(server.replaceAll('_', '')), name);
  }
});

test('nginx with the configuration of the examples: many requests, few connections', needs('nginx'), async (t) => {
  const app = await startApp(t);
  const port = await freePort();
  const temporaries = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path FOLDER/${name};`).join('\n');
  const { file, folder } = configure(t, 'production/nginx.conf', [
    ['server 127.0.0.1:8000;', `server ${HOST}:${app.port};`],
    ['listen 8080;', `listen ${HOST}:${port};`],
    ['http {', `error_log stderr notice; pid FOLDER/pid;\nhttp {\naccess_log off;\n${temporaries}`],
  ]);
  await start(t, find('nginx'), ['-p', folder, '-e', 'stderr', '-g', 'daemon off;', '-c', file], /start worker process /);
  for (let i = 0; i < 20; i++) assert.deepStrictEqual(await get(port, '/'), [200, 'hello\n']);
});

test('HAProxy with the configuration of the examples: no request is lost while a process leaves', needs('haproxy'), async (t) => {
  const apps = [await startApp(t), await startApp(t)];
  const port = await freePort();
  const { file } = configure(t, 'production/haproxy.cfg', [
    ['127.0.0.1:8000', `${HOST}:${apps[0].port}`],
    ['127.0.0.1:8001', `${HOST}:${apps[1].port}`],
    ['bind 127.0.0.1:8080', `bind ${HOST}:${port}`],
  ]);
  await start(t, find('haproxy'), ['-W', '-db', '-f', file], /Loading success/);
  const load = startLoad(port);
  await load.more(20);
  apps[0].child.kill('SIGTERM');
  assert.deepStrictEqual(await apps[0].child.closed, [0, null]);
  await load.more(20);
  await load.stop();
});

test('Envoy with the configuration of the examples: many requests', needs('envoy'), async (t) => {
  const app = await startApp(t);
  const port = await freePort();
  const { file } = configure(t, 'production/envoy.yaml', [
    ['port_value: 8000', `port_value: ${app.port}`],
    ['port_value: 8080', `port_value: ${port}`],
  ]);
  // It listens once the first health check has found the application ready.
  await start(t, find('envoy'), ['--disable-hot-restart', '--concurrency', '1', '-c', file], /starting workers/);
  await listening(port);
  for (let i = 0; i < 20; i++) assert.deepStrictEqual(await get(port, '/'), [200, 'hello\n']);
});

test('the PROXY protocol is refused as on node:http, unless the example reads it', async (t) => {
  const line = 'PROXY TCP4 192.0.2.7 192.0.2.1 40000 80\r\n';
  const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const exchange = async (port) => {
    const socket = net.connect(port, HOST);
    socket.end(line + request);
    let read = '';
    for await (const text of socket.setEncoding('latin1')) read += text;
    return read.replace(/^date: .*\r\n/im, '');
  };
  const replies = [];
  for (const { createServer } of [implementations.node, implementations.ours]) {
    const server = createServer((req, res) => res.end('served')).listen(0, HOST);
    await once(server, 'listening');
    replies.push(await exchange(server.address().port));
    server.close();
    server.closeAllConnections();
  }
  assert.match(replies[0], /^HTTP\/1.1 400 /);
  assert.strictEqual(replies[1], replies[0]);
  const { port } = await startApp(t, 'production/proxy-protocol.js');
  assert.match(await exchange(port), /^HTTP\/1.1 200 OK\r\n[^]*hello 192\.0\.2\.7\n/);
});

test('HAProxy tells the client by the PROXY protocol to the example that reads it', needs('haproxy'), async (t) => {
  const app = await startApp(t, 'production/proxy-protocol.js');
  const port = await freePort();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-production-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'haproxy.cfg');
  fs.writeFileSync(file, `
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen all
  bind ${HOST}:${port}
  server one ${HOST}:${app.port} send-proxy
`);
  await start(t, find('haproxy'), ['-W', '-db', '-f', file], /Loading success/);
  assert.deepStrictEqual(await get(port, '/'), [200, 'hello 127.0.0.1\n']);
});

test('the cluster of the examples serves, replaces a worker that died, and ends on SIGTERM', async (t) => {
  const port = await freePort();
  const primary = await start(t, process.execPath, [path.join(EXAMPLES, 'production/cluster.js')], /(?:^port \d+\n){2}/m,
    { PORT: String(port), WORKERS: '2' });
  assert.deepStrictEqual(await get(port, '/'), [200, 'hello\n']);
  const children = fs.existsSync(`/proc/${primary.pid}/task`) &&
    fs.readFileSync(`/proc/${primary.pid}/task/${primary.pid}/children`, 'utf8').trim().split(' ').map(Number);
  if (children) {
    process.kill(children[0], 'SIGKILL');
    await once(primary.stdout, 'data'); // The new one tells its port.
    assert.deepStrictEqual(await get(port, '/'), [200, 'hello\n']);
  }
  primary.kill('SIGTERM');
  assert.deepStrictEqual(await primary.closed, [0, null]);
});

test('Kubernetes: the probes of the example are answered, and its times add up', async (t) => {
  const text = example('production/kubernetes.yaml');
  const source = example('production/server.js');
  const number = (pattern, from = text) => Number(pattern.exec(from)[1].replaceAll('_', ''));
  const { child, port } = await startApp(t);
  const probes = [...text.matchAll(/(\w+)Probe:\n +httpGet: \{ path: (\S+), port: (\d+) \}/g)];
  assert.deepStrictEqual(probes.map(([, name]) => name), ['startup', 'liveness', 'readiness']);
  for (const [, name, url, to] of probes) {
    assert.strictEqual((await get(port, url))[0], 200, name);
    assert.strictEqual(Number(to), number(/PORT \?\? (\d+)/, source), name);
  }
  // In milliseconds: before SIGTERM, and after it.
  const waits = number(/preStop:\n +exec:\n +command: \[node, -e, 'setTimeout\(\(\) => \{\}, ([\d_]+)\)'\]/);
  const closes = number(/closeAllConnections\(\), ([\d_]+)\)/, source);
  assert.ok(waits + closes < 1000 * number(/terminationGracePeriodSeconds: (\d+)/));
  child.kill('SIGTERM');
  assert.deepStrictEqual(await child.closed, [0, null]);
});

test('PM2 with the configuration of the examples: a reload under load loses no request', needs('pm2'), async (t) => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrohttp-pm2-'));
  const port = await freePort();
  const env = { ...process.env, PM2_HOME: home, PORT: String(port) };
  const pm2 = (...args) => promisify(execFile)(find('pm2'), args, { env });
  t.after(async () => {
    await pm2('kill');
    fs.rmSync(home, { recursive: true, force: true });
  });
  await pm2('start', path.join(EXAMPLES, 'production/ecosystem.config.js'));
  await listening(port);
  const pids = async () => JSON.parse((await pm2('jlist')).stdout).map(({ pid }) => pid);
  const before = await pids();
  const load = startLoad(port);
  await load.more(20);
  await pm2('reload', 'application');
  const after = await pids();
  assert.ok(after.length === before.length && !after.some((pid) => before.includes(pid)));
  await load.more(20);
  await load.stop();
});
