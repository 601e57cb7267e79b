'use strict';

// `ferrohttp explain` finds in a HAR of a real Chromium the refusal that the server has kept.
// FERROHTTP_FIXTURES=1 writes the captured HAR to fixtures/.

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const ferrohttp = require('../../index.js');
const { Browser, missing } = require('../support/chromium.js');
const { NetworkLog } = require('../support/har.js');
const { ROOT } = require('../package/helpers.js');

const FIXTURE = path.join(__dirname, 'fixtures/chromium.har');

function explained(har) {
  const { status, stdout } = spawnSync(process.execPath, [path.join(ROOT, 'bin/ferrohttp.js'), 'explain', '--json', '-'],
    { input: har, encoding: 'utf8', maxBuffer: 1 << 26 });
  return { status, list: stdout.trim().split('\n').map((line) => JSON.parse(line)) };
}

/** The parts of a refusal that do not depend on the order of fields, which a HAR does not keep. */
const summary = ({ code, hint, phase, limit }) => [code, hint.id, phase, limit.name, limit.value, limit.largest[0].name];

test('a HAR that Chromium makes names what the server saw', { skip: missing }, async (t) => {
  const server = ferrohttp.createServer((req, res) => res.setHeader('Content-Type', 'text/html').end('<title>hello</title>'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await Browser.start();
  t.after(() => browser.stop());
  const log = new NetworkLog(browser);
  await log.start();
  await browser.call('Page.navigate', { url: `${origin}/fine` });
  await log.har(1);
  for (let i = 0; i < 5; i++) {
    await browser.call('Network.setCookie', { name: `session${i}`, value: 'c'.repeat(3500), url: origin });
  }
  await browser.call('Page.navigate', { url: `${origin}/refused?a=b` });
  while (server.refusalStats().total === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const har = JSON.stringify(await log.har(2), null, 1);
  if (process.env.FERROHTTP_FIXTURES) fs.writeFileSync(FIXTURE, `${har}\n`);

  const { status, list } = explained(har);
  assert.strictEqual(status, 1);
  // The browser may ask for an icon, too, in its own time.
  const refused = list.filter(({ verdict, label }) => verdict === 'refused' && !label.includes('/favicon.ico'));
  assert.deepStrictEqual(refused.map(({ label }) => label), [`GET ${origin}/refused, answered 431`]);
  assert.deepStrictEqual(summary(refused[0].refusal), summary(server.refusals()[0]));
  assert.ok(list.some(({ label, verdict }) => label.startsWith(`GET ${origin}/fine`) && verdict === 'accepted'));
});

test('the captured HAR still names it', () => {
  const { status, list } = explained(fs.readFileSync(FIXTURE));
  const refused = list.filter(({ verdict }) => verdict === 'refused').map(({ refusal }) => refusal);
  assert.strictEqual(status, 1);
  assert.deepStrictEqual(refused.map(summary), [['HPE_HEADER_OVERFLOW', 'field-too-large', 'head', 'maxHeaderSize', 16384, 'Cookie']]);
});
