'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { Queue } = require('../../lib/queue.js');

test('a queue gives back what it was given, in order', () => {
  const queue = new Queue();
  const model = [];
  let next = 0;
  // Grows and shrinks, beyond what it keeps and down to nothing.
  for (const [pushes, shifts] of [[1, 1], [3, 2], [5000, 1500], [10, 3511], [1, 1], [4000, 2100], [0, 1900], [1, 1]]) {
    for (let i = 0; i < pushes; i++) {
      queue.push(next);
      model.push(next++);
    }
    for (let i = 0; i < shifts; i++) {
      assert.strictEqual(queue.first, model[0]);
      assert.strictEqual(queue.last, model[model.length - 1]);
      assert.strictEqual(queue.shift(), model.shift());
      assert.strictEqual(queue.length, model.length);
    }
  }
  assert.strictEqual(queue.first, undefined);
  assert.strictEqual(queue.last, undefined);
  assert.strictEqual(queue.shift(), undefined);
  assert.strictEqual(queue.length, 0);
});

test('a queue does not keep what it has given back', () => {
  const queue = new Queue();
  for (let i = 0; i < 10_000; i++) queue.push(i);
  for (let i = 0; i < 9_999; i++) queue.shift();
  assert.ok(queue.items.length < 3_000);
});
