'use strict';

// A part of the comparison in time, and the proof that it can fail.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { seesThreads } = require('../support/quiet.js');
const { isFair } = require('./fair.js');
const { generate } = require('./generate.js');

const TIME = path.join(__dirname, 'time.js');
const BROKEN = path.join(__dirname, 'broken.js');
const skip = seesThreads ? false : 'needs /proc to know when nothing moves';

function play(args, env = {}) {
  return new Promise((resolve) => {
    execFile(process.execPath, [TIME, ...args.map(String)], { env: { ...process.env, ...env } },
      (err, stdout, stderr) => resolve({ code: err ? err.code : 0, output: stdout + stderr }));
  });
}

// The numbers of the crowds of each kind.
const FLOOD = 249;
const UNREAD = 499;
const SHARED = 749;

test('time: a slice', { skip }, async () => {
  const { code, output } = await play(['--cases', 120, '--seed', 7, '--shrink', 3]);
  assert.strictEqual(code, 0, output);
});

for (const [name, number] of Object.entries({ FLOOD, UNREAD, SHARED })) {
  test(`time: a crowd, ${name.toLowerCase()}`, { skip }, async () => {
    const { code, output } = await play(['--cases', 1, '--first', number, '--seed', 7]);
    assert.strictEqual(code, 0, output);
  });
}

test('time: a slice, with I/O threads', { skip }, async () => {
  const { code, output } = await play(['--cases', 64, '--seed', 9, '--shrink', 3, '--io-threads', 2]);
  assert.strictEqual(code, 0, output);
});

const FINDS = {
  'lost FIN': [0, 48, /socket end|req aborted|saw FIN|in another step/],
  'lost RST': [0, 48, /ECONNRESET|res close|req aborted/],
  'cut response': [0, 96, /res close|socket close/],
  'early finish': [0, 48, /res finish/],
  // From Node 22 on a response waits for 'drain' less often: its buffer is larger.
  'late drain': [852, 192, /res finish/],
  'left open': [0, 96, /./],
  'starved clients': [FLOOD, 1, /another client is answered/],
  'copied output': [SHARED, 1, /MiB/],
};
for (const [fault, [first, cases, kind]] of Object.entries(FINDS)) {
  test(`time: a server with the fault '${fault}' is caught`, { skip }, async () => {
    const { code, output } = await play(['--first', first, '--cases', cases, '--enough', 3, '--quiet', '--shrink', 0],
      { FERROHTTP_IMPL: BROKEN, FERROHTTP_BROKEN: fault });
    assert.strictEqual(code, 1, output);
    assert.match(output, kind);
  });
}

test('time: a difference is made small', { skip }, async () => {
  const { output } = await play(['--cases', 48, '--enough', 1, '--quiet', '--shrink', 1],
    { FERROHTTP_IMPL: BROKEN, FERROHTTP_BROKEN: 'early finish' });
  const [, history] = /--history '(.+)'/.exec(output) ?? [];
  assert.ok(history, output);
  assert.ok(JSON.parse(history).steps.flat().length <= 6, history);
});

test('time: a server is no different from itself', { skip }, async () => {
  const { code, output } = await play(['--cases', 96], { FERROHTTP_IMPL: 'node:http' });
  assert.strictEqual(code, 0, output);
});

test('time: a history leaves nothing to chance', () => {
  for (const ioThreads of [false, true]) {
    for (let number = 0; number < 500; number++) {
      assert.ok(isFair(generate(5, number, ioThreads), ioThreads), `history ${number}`);
    }
  }
});

test('time: a history depends on its seed and number alone', () => {
  for (let number = 0; number < 100; number++) {
    assert.deepStrictEqual(generate(3, number), generate(3, number));
  }
});
