'use strict';
// Rust refuses connections without JavaScript only while nobody can see that.

const assert = require('node:assert');
const net = require('node:net');
const test = require('node:test');
const { createServer } = require('../..');

test('an emit that is wrapped while the server listens sees the next refusal', async (t) => {
  const server = createServer(() => {});
  t.after(() => server.close());
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const refused = () => new Promise((resolve) => {
    net.connect(server.address().port, '127.0.0.1', function () { this.write('BAD\r\n\r\n'); })
      .on('data', () => {}).on('close', resolve);
  });
  await refused();
  const seen = [];
  const { emit } = server;
  server.emit = function (event) {
    seen.push(event);
    return emit.apply(this, arguments);
  };
  await refused();
  assert.deepStrictEqual(seen, ['connection', 'clientError']);
  assert.strictEqual(server.clientErrorCounts().total, 2);
});
