'use strict';

// Refusals are kept, counted, reported, logged, redacted and answered in the same way for every kind of server, at
// every level that has the parser, with and without a listener.

const assert = require('node:assert');
const path = require('node:path');
const { describe, it } = require('node:test');
const { succeed } = require('../package/helpers.js');

const APP = path.join(__dirname, 'ways-app.js');
const WAYS = ['accept', 'cluster', 'duplex', 'https'];
const LEVELS = process.platform === 'win32' ? ['sockets', 'node'] : ['fast', 'plain', 'sockets', 'node'];

const head = (body) => 'HTTP/1.1 422 Unprocessable Entity\r\nContent-Type: text/plain\r\n' +
  `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;

/** What the client gets, the outcome of the refusal, and its status. */
const ANSWERS = {
  none: { field: head('HPE_INVALID_HEADER_TOKEN Bad'), method: head('HPE_INVALID_METHOD '), outcome: 'reply', status: 422 },
  refuse: { field: head('HPE_INVALID_HEADER_TOKEN Bad'), method: head('HPE_INVALID_METHOD '), outcome: 'reply', status: 422 },
  own: { field: 'HTTP/1.1 400 Mine\r\n\r\n', method: 'HTTP/1.1 400 Mine\r\n\r\n', outcome: 'listener', status: null },
};

for (const level of LEVELS) {
  describe(`level ${level}`, () => {
    for (const way of WAYS) {
      for (const [listener, answer] of Object.entries(ANSWERS)) {
        it(`${way}, ${listener === 'none' ? 'without a listener' : `with a listener (${listener})`}`, async () => {
          const seen = JSON.parse(await succeed(process.execPath, [APP, way, listener], { env: { FERROHTTP_LEVEL: level } }));
          assert.strictEqual(seen.newcomer, answer.field);
          assert.ok(seen.known.startsWith('HTTP/1.1 200 OK\r\n') && seen.known.endsWith(`hello${answer.field}`), seen.known);
          const peer = way === 'duplex' ? {} : { peer: '127.0.0.1' };
          const of = { status: answer.status, outcome: answer.outcome, leaks: false, ...peer };
          const name = { code: 'HPE_INVALID_HEADER_TOKEN', hint: 'space-in-name', part: 'field-name', ...of };
          assert.deepStrictEqual(seen.refusals, [
            { seq: 1, requests: 0, ...name },
            { seq: 2, requests: 1, ...name },
            { seq: 3, requests: 0, code: 'HPE_INVALID_METHOD', hint: 'unknown-method', part: 'method', ...of },
          ]);
          assert.deepStrictEqual([seen.total, seen.kinds, seen.metrics], [3, [2, 1], 2]);
          assert.deepStrictEqual(seen.told, [1, 2, 3]);
          assert.deepStrictEqual(seen.logged, ['space-in-name', 'unknown-method']);
          // A client that is still sending gets the reply. A listener of the program closes the connection at once.
          const lingers = process.platform !== 'win32' && level !== 'node' && way !== 'duplex' && listener !== 'own';
          if (lingers) assert.deepStrictEqual(seen.lingered, { reply: answer.method, error: null });
        });
      }
    }
  });
}
