'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { succeed } = require('./helpers.js');

const skip = process.platform !== 'linux' && 'counts threads and descriptors in /proc';

test('workers that serve and are terminated, 20 times over, leave nothing behind', { skip }, async () => {
  const said = await succeed(process.execPath, ['--expose-gc', require.resolve('./fixtures/workers.js')]);
  const { threads, descriptors, grown, served } = JSON.parse(said);
  assert.strictEqual(served, 3 * 20);
  assert.strictEqual(threads, 0, 'threads left');
  assert.strictEqual(descriptors, 0, 'descriptors left');
  assert.ok(grown < 5 * 1024 * 1024, `RSS grew by ${grown} bytes in each 20`);
});
