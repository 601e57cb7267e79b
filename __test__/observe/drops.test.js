'use strict';

// Connections that are closed at `maxConnections` or by `blockList`, before anything is read, are refusals, too. That
// is so for every kind of server and at every level.

const assert = require('node:assert');
const path = require('node:path');
const { describe, it } = require('node:test');
const { succeed } = require('../package/helpers.js');

const APP = path.join(__dirname, 'drops-app.js');
const [major, minor] = process.versions.node.split('.').map(Number);
// In older releases, a worker that has enough connections gives further ones to other workers, and drops none.
const DROPS_WHAT_IT_IS_HANDED = major > 22 || (major === 22 && minor >= 12);
const WAYS = ['accept', 'cluster', ...(DROPS_WHAT_IT_IS_HANDED ? ['cluster-rr'] : []), 'https'];
const LEVELS = process.platform === 'win32' ? ['sockets', 'node'] : ['fast', 'sockets', 'node'];

const record = {
  code: 'DROPPED', status: null, outcome: 'dropped', phase: 'silent', connection: { age: 0, requests: 0, bytesRead: 0 },
  repeat: false, recent: true, peer: '127.0.0.1', port: true,
};
const tooMany = {
  seq: 1, ofPeer: 1, ...record,
  limit: { name: 'maxConnections', value: 1, seen: 2, change: 'server.maxConnections = number' },
  hint: { id: 'max-connections', text: 'the server had as many open connections as server.maxConnections allows', certain: true },
};
const blocked = {
  seq: 2, ofPeer: 2, ...record,
  hint: { id: 'block-list', text: "the client's address is in server.blockList", certain: true },
};

for (const level of LEVELS) {
  describe(`level ${level}`, () => {
    for (const way of WAYS) {
      for (const heard of ['heard', 'unheard']) {
        it(`${way}, 'drop' ${heard}`, async () => {
          const seen = JSON.parse(await succeed(process.execPath, [APP, way, heard], { env: { FERROHTTP_LEVEL: level } }));
          // Node emits nothing for a connection that a block list has refused.
          const expected = seen.blocks && level !== 'node' ? [tooMany, blocked] : [tooMany];
          assert.deepStrictEqual(seen.refusals, expected);
          assert.deepStrictEqual([seen.total, seen.count], [expected.length, 1]);
          assert.deepStrictEqual(seen.kinds, expected.map(({ code, hint }) => ({ code, hint: hint.id, count: 1 })));
          assert.deepStrictEqual(seen.peers, [{ address: '127.0.0.1', count: expected.length, error: 0 }]);
          assert.strictEqual(seen.drops, heard === 'heard' ? 1 : 0);
          assert.deepStrictEqual(seen.errors, { total: 0 });
          assert.match(seen.texts[0], /#1 DROPPED\n {2}dropped before anything was read, peer 127\.0\.0\.1:/);
        });
      }
    }
  });
}
