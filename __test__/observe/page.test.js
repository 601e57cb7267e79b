'use strict';

// The page of refusals: who may see it, and what a browser shows. FERROHTTP_SCREENSHOTS names a folder
// for screenshots.

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { describe, it, before, after } = require('node:test');
const express = require('express');
const ferrohttp = require('../../index.js');
const { page } = require('../../lib/observe/index.js');
const { Browser, missing } = require('../support/chromium.js');

async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

async function send(port, bytes) {
  const client = net.connect(port, '127.0.0.1');
  client.on('error', () => {});
  client.end(bytes, 'latin1');
  await once(client.resume(), 'close');
}

function get(port, target, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    http.request({ port, path: target, headers, method, agent: false }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => resolve({ res, body, status: res.statusCode }));
    }).on('error', reject).end();
  });
}

describe('the page of refusals', () => {
  let server;
  let port;

  before(async () => {
    server = ferrohttp.createServer();
    server.on('request', page(server));
    port = await listen(server);
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  it('lets nothing run or load that did not come with it', async () => {
    const { res, body, status } = await get(port, '/');
    assert.strictEqual(status, 200);
    const [, nonce] = /script-src 'nonce-([^']+)'/.exec(res.headers['content-security-policy']);
    assert.match(res.headers['content-security-policy'], /^default-src 'none'; .*frame-ancestors 'none'$/);
    assert.strictEqual(body.split(`nonce="${nonce}"`).length, 3);
    assert.ok(!body.includes('{{'));
    assert.deepStrictEqual([res.headers['cache-control'], res.headers['x-content-type-options'], res.headers['referrer-policy']],
      ['no-store', 'nosniff', 'no-referrer']);
    const again = await get(port, '/');
    assert.ok(!again.body.includes(nonce));
  });

  it('is for this machine only', async () => {
    const status = async (headers, method) => (await get(port, '/', headers, method)).status;
    assert.strictEqual(await status({ Host: `localhost:${port}` }), 200);
    assert.strictEqual(await status({ Host: '[::1]' }), 200);
    assert.strictEqual(await status({ Host: 'evil.example' }), 403);
    assert.strictEqual(await status({ Host: 'localhost.evil.example' }), 403);
    assert.strictEqual(await status({ 'X-Forwarded-For': '192.0.2.1' }), 403);
    assert.strictEqual(await status({ Via: '1.1 proxy' }), 403);
    assert.strictEqual(await status({ 'Sec-Fetch-Site': 'cross-site' }), 403);
    assert.strictEqual(await status({ 'Sec-Fetch-Site': 'none' }), 200);
    assert.strictEqual(await status({}, 'POST'), 405);
    const remote = (options) => {
      const handler = page(server, options);
      const res = { setHeader() {}, writeHead(code) { this.code = code; }, end() {}, on() {} };
      handler({ method: 'GET', url: '/', headers: { host: 'status.example' }, socket: { remoteAddress: '192.0.2.1' } }, res);
      return res.code;
    };
    assert.strictEqual(remote(), 403);
    assert.strictEqual(remote({ hosts: ['status.example'] }), 403);
    assert.strictEqual(remote({ allow: 'any' }), 200);
    assert.strictEqual(remote({ allow: () => true }), 200);
    assert.strictEqual(remote({ allow: () => 'yes' }), 403);
  });

  it('answers to further names', async (t) => {
    const named = http.createServer(page(server, { hosts: ['Status.example'] }));
    const other = await listen(named);
    t.after(() => named.close());
    assert.strictEqual((await get(other, '/', { Host: 'status.example:80' })).status, 200);
    assert.strictEqual((await get(other, '/', { Host: 'status.examples' })).status, 403);
  });

  it('checks its options', () => {
    for (const options of [{ allow: 'all' }, { hosts: 'a' }, { title: 1 }, { nonsense: 1 }]) assert.throws(() => page(server, options), TypeError);
    assert.throws(() => page(http.createServer()), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('can be mounted below a path', async (t) => {
    const app = express();
    app.use('/ops/refusals', page(server));
    const mounted = http.createServer(app);
    const other = await listen(mounted);
    t.after(() => mounted.close());
    const moved = await get(other, '/ops/refusals');
    assert.deepStrictEqual([moved.status, moved.res.headers.location], [302, './refusals/']);
    assert.strictEqual((await get(other, '/ops/refusals/')).status, 200);
    assert.match((await get(other, '/ops/refusals/refusals.json')).res.headers['content-type'], /json/);
  });

  it('does not keep a server from closing', async () => {
    const short = ferrohttp.createServer();
    short.on('request', page(short));
    const other = await listen(short);
    const events = http.get({ port: other, path: '/events', agent: false });
    const [res] = await once(events, 'response');
    res.resume();
    short.close();
    await once(short, 'close');
  });
});

describe('the page in a browser', { skip: missing }, () => {
  let browser;
  let server;
  let port;

  const HOSTILE = '<script>alert(1)</script>\x1b[31m\x9b\xe2\x80\xae"\'&';

  before(async () => {
    server = ferrohttp.createServer({}, (req, res) => res.end());
    server.on('request', page(server, { title: 'Refusals <b>' }));
    server.removeListener('request', server.listeners('request')[0]);
    port = await listen(server);
    browser = await Browser.start();
    await send(port, 'GET / HTTP/1.1\r\nHost: a\r\nCookie: secret-cookie\r\nBad Name: x\r\n\r\n');
    await send(port, '\x16\x03\x01\0\x05\x01\0\0\x01\0');
    // A value may have all of it but ESC.
    await send(port, `GET / HTTP/1.1\r\nHost: ${HOSTILE.replaceAll('\x1b', '')}\r\nA: ${HOSTILE}\0\r\n\r\n`);
    await send(port, `GET /${'a'.repeat(300)} HTTP/1.1\r\nCookie: ${'c'.repeat(20000)}\r\n\r\n`);
    await send(port, 'GET / HTTP/1.1\r\nCook');
    await browser.look(1600, 1000, 'light');
    await browser.call('Page.navigate', { url: `http://127.0.0.1:${port}/` });
    await browser.until('document.querySelectorAll("#list li").length === 5');
  });
  after(async () => {
    await browser.stop();
    server.close();
    server.closeAllConnections();
  });

  const text = (selector) => browser.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`);

  it('lists the refusals, the newest first', async () => {
    assert.deepStrictEqual(await browser.evaluate('[...document.querySelectorAll("#list strong")].map((e) => e.textContent)'),
      ['HPE_INVALID_EOF_STATE', 'HPE_HEADER_OVERFLOW', 'HPE_INVALID_HEADER_TOKEN', 'HPE_INVALID_METHOD', 'HPE_INVALID_HEADER_TOKEN']);
    assert.strictEqual(await text('#state'), 'live');
    assert.strictEqual(await text('#counts b'), '5');
    assert.strictEqual(await text('h1'), 'Refusals <b>');
    assert.ok(await browser.evaluate('document.querySelectorAll("#chart rect").length > 0'));
  });

  it('shows one, with the byte marked in hexadecimal and text', async () => {
    await browser.evaluate('document.querySelectorAll("#list button")[4].click()');
    assert.deepStrictEqual(await browser.evaluate('[...document.querySelectorAll("#dump mark")].map((e) => e.textContent)'), ['20', ' ']);
    assert.match(await text('#one'), /a space in a field name/);
    assert.ok(!(await text('body')).includes('secret-cookie'));
  });

  it('is inert whatever was sent', async () => {
    await browser.evaluate('document.querySelectorAll("#list button")[2].click()');
    assert.match(await text('#one'), /Host <script>alert/);
    assert.match(await text('#one'), /^[\x20-\x7e\n·]*$/);
    assert.strictEqual(await browser.evaluate('document.querySelectorAll("script").length'), 1);
    assert.deepStrictEqual(browser.logs, []);
  });

  it('is live', async () => {
    await send(port, 'GARBAGE / HTTP/1.1\r\n\r\n');
    await browser.until('document.querySelectorAll("#list li").length === 6');
    assert.match(await text('#list li'), /a method that Node's parser does not know/);
  });

  it('filters', async () => {
    const rows = () => browser.evaluate('document.querySelectorAll("#list li").length');
    await browser.evaluate('(() => { const e = document.getElementById(\'hint\'); e.value = \'tls-hello\'; e.dispatchEvent(new Event(\'input\', { bubbles: true })); })()');
    assert.strictEqual(await rows(), 1);
    await browser.evaluate('document.querySelector("form button").click()');
    await browser.until('document.querySelectorAll("#list li").length === 6');
    await browser.evaluate('(() => { const e = document.getElementById(\'peer\'); e.value = \'192.0.2.\'; e.dispatchEvent(new Event(\'input\', { bubbles: true })); })()');
    assert.strictEqual(await rows(), 0);
    assert.strictEqual(await text('#none'), 'Nothing passes the filters.');
    await browser.evaluate('document.querySelector("form button").click()');
    await browser.until('document.querySelectorAll("#list li").length === 6');
  });

  it('goes by keyboard', async () => {
    await browser.evaluate('document.activeElement.blur()');
    const focused = () => browser.evaluate('document.activeElement.dataset.key ?? document.activeElement.id');
    await browser.key('ArrowDown');
    await browser.key('ArrowDown');
    assert.strictEqual(await focused(), '0.5');
    await browser.key('ArrowUp');
    assert.strictEqual(await focused(), '0.6');
    await browser.key('Enter', '\r');
    assert.strictEqual(await focused(), 'one');
    assert.match(await text('#one h2'), /HPE_INVALID_METHOD/);
    await browser.key('Escape');
    assert.strictEqual(await focused(), '0.6');
    assert.ok(await browser.evaluate('document.getElementById("one").hidden'));
    await browser.key('/');
    assert.strictEqual(await focused(), 'peer');
    await browser.evaluate('document.activeElement.blur()');
  });

  for (const [width, height, scheme] of [[400, 800, 'light'], [400, 800, 'dark'], [1600, 1000, 'light'], [1600, 1000, 'dark']]) {
    it(`fits ${width} pixels, ${scheme}`, async () => {
      await browser.look(width, height, scheme);
      await browser.evaluate('document.querySelectorAll("#list button")[2].click()');
      const { scroll, client } = await browser.evaluate('({ scroll: document.documentElement.scrollWidth, client: document.documentElement.clientWidth })');
      assert.ok(scroll <= client, `${scroll} of ${client}`);
      // The contrast of text and background (WCAG AA).
      const ratio = await browser.evaluate(`(() => {
        const light = (color) => {
          const [r, g, b] = color.match(/[\\d.]+/g).map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (c !== 'rgba(0, 0, 0, 0)') return c; } };
        const ratios = [...document.querySelectorAll('h1, p, b, span, dt, dd, strong, time, pre, mark, label')].map((e) => {
          const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        });
        return Math.min(...ratios);
      })()`);
      assert.ok(ratio >= 4.5, `contrast ${ratio}`);
      await browser.evaluate('scrollTo(0, 0)');
      const picture = await browser.screenshot();
      const folder = process.env.FERROHTTP_SCREENSHOTS;
      if (folder) fs.writeFileSync(path.join(folder, `refusals-${width}-${scheme}.png`), picture);
    });
  }
});
