'use strict';

// lib/bundle.js, the file that the published package has instead of most files of lib/.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { BINARY, ROOT, succeed, temporary, unpack } = require('./helpers.js');

const node = process.execPath;
const env = { FERROHTTP_BINARY: BINARY };

/** Runs a script beside the published package. It prints JSON. */
async function evaluate(dir, script) {
  const print = `Promise.resolve((${script})()).then((told) => console.log(JSON.stringify(told)))`;
  return JSON.parse(await succeed(node, ['-e', print], { cwd: dir, env }));
}

const LOADED = `() => {
  const { dirname, relative, sep } = require('path');
  const root = dirname(require.resolve('ferrohttp/package.json'));
  require('ferrohttp');
  return Object.keys(require.cache).filter((file) => file.startsWith(root + sep))
    .map((file) => relative(root, file).split(sep).join('/')).sort();
}`;

test('the bundle has every module that the package loads, with the text that it has in the repository', async (t) => {
  const dir = temporary(t);
  const target = await unpack(dir);
  assert.deepStrictEqual(await evaluate(dir, LOADED), ['index.js', 'lib/bundle.js', 'lib/implementation.js', 'lib/reexport.js']);
  const text = fs.readFileSync(path.join(target, 'lib/bundle.js'), 'utf8');
  const loaded = (await evaluate(ROOT, LOADED)).filter((file) => file.startsWith('lib/') && file.endsWith('.js'));
  assert.ok(loaded.length > 50);
  const withoutPaths = (source) => source.replace(/(?:require|bundled)\('[^']*'\)/g, '');
  for (const file of loaded) {
    assert.ok(text.includes(`modules['${file.slice('lib/'.length)}'] = `), file);
    assert.ok(withoutPaths(text).includes(withoutPaths(fs.readFileSync(path.join(ROOT, file), 'utf8'))), file);
  }
});

// The reply comes only if 'ferrohttp/observe' finds what 'ferrohttp' has put on the server.
const REFUSE = `() => new Promise((resolve) => {
  const { createServer, Server } = require('ferrohttp');
  const { refuse } = require('ferrohttp/observe');
  require('ferrohttp/register');
  const isRegistered = require('http').Server === Server;
  const server = createServer({ refusals: { replies: { default: { status: 422, body: 'mine' } } } });
  server.on('clientError', refuse);
  server.listen(0, () => {
    const client = require('net').connect(server.address().port).setEncoding('latin1');
    let reply = '';
    client.on('data', (text) => { reply += text; }).on('end', () => {
      server.close();
      resolve({ isRegistered, reply, counts: server.clientErrorCounts() });
    }).end('garbage\\r\\n\\r\\n');
  });
})`;

test('all entries and commands of the published package share one load', async (t) => {
  const dir = temporary(t);
  const target = await unpack(dir);
  const { isRegistered, reply, counts } = await evaluate(dir, REFUSE);
  assert.strictEqual(isRegistered, true);
  assert.match(reply, /^HTTP\/1\.1 422 Unprocessable Entity\r\n[^]*\r\n\r\nmine$/);
  assert.deepStrictEqual(counts, { total: 1, HPE_INVALID_METHOD: 1 });
  const said = await succeed(node, [path.join(target, 'bin/ferrohttp.js'), 'doctor'], { env: { ...env, FERROHTTP_LEVEL: 'plain' } });
  assert.match(said, /^binary +loads$/m);
  assert.match(said, /^level +plain: /m);
  assert.match(said, /^shortcut end +closed at this level$/m);
});

test('after the require cache was cleared the published package loads anew, and the old load goes on', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  assert.deepStrictEqual(await evaluate(dir, `async () => {
    const first = require('ferrohttp');
    for (const file of Object.keys(require.cache)) delete require.cache[file];
    const second = require('ferrohttp');
    const serve = ({ createServer }, reply) => new Promise((resolve) => {
      const server = createServer((req, res) => res.end(reply)).listen(0, () => {
        require('http').get({ port: server.address().port, agent: false }, (res) => {
          res.on('data', (text) => { server.close(); resolve(String(text)); });
        });
      });
    });
    return [first === second, await serve(first, 'first'), await serve(second, 'second')];
  }`), [false, 'first', 'second']);
});

test('a module of the bundle that throws is not kept', async (t) => {
  const dir = temporary(t);
  await unpack(dir);
  const codes = await evaluate(dir, `() => {
    process.env.FERROHTTP_BINARY = 'missing.node';
    const load = () => { try { require('ferrohttp'); return 'loads'; } catch (error) { return error.code; } };
    const codes = [load(), load()];
    process.env.FERROHTTP_BINARY = ${JSON.stringify(BINARY)};
    return [...codes, load()];
  }`);
  assert.deepStrictEqual(codes, ['ERR_FERROHTTP_NO_BINARY', 'ERR_FERROHTTP_NO_BINARY', 'loads']);
});
