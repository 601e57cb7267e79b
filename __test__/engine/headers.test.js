'use strict';

// `req.headers` may be made from the pattern of an earlier request (lib/host/shortcuts/headers.js). It must be what
// Node makes from the same lines, the first time and every time after it.

const assert = require('node:assert');
const http = require('node:http');
const { test } = require('node:test');
const { Request } = require('../../lib/host/shortcuts/headers');
const { Random } = require('../parity/random');

function headersOf(Message, lines, { join = false, limit = lines.length } = {}) {
  const message = new Message();
  message.joinDuplicateHeaders = join;
  message._addHeaderLines(lines, limit);
  return message.headers;
}

function assertAlike(lines, options) {
  for (let time = 1; time <= 4; time++) {
    const expected = headersOf(http.IncomingMessage, lines, options);
    const actual = headersOf(Request, lines, options);
    assert.deepStrictEqual(actual, expected);
    // deepStrictEqual does not compare the order.
    assert.deepStrictEqual(Object.entries(actual), Object.entries(expected), `time ${time}`);
  }
}

const LISTS = {
  'no line': [],
  'one line': ['Host', 'a'],
  'names in several spellings': ['HOST', 'a', 'user-Agent', 'b', 'X-Thing', 'c'],
  'empty values': ['Host', '', 'Accept', ''],
  'a repeated name that is joined': ['Accept', 'a', 'Host', 'h', 'accept', 'b'],
  'a repeated name that is dropped': ['Host', 'a', 'host', 'b'],
  'cookies': ['Cookie', 'a=1', 'Cookie', 'b=2'],
  'one set-cookie': ['Set-Cookie', 'a=1', 'Host', 'h'],
  'two set-cookies': ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
  'names of Object.prototype': ['constructor', 'a', '__proto__', 'b', 'hasownproperty', 'c', 'toString', 'd'],
  'only __proto__': ['__proto__', 'a'],
  'names that are indices': ['b', '1', '10', '2', '9', '3'],
  'characters beyond ASCII in values': ['Host', '\xe9\xff'],
  'quotes and backslashes are no tokens, others are': ["x'y", '1', 'x`z|~', '2'],
  'many lines': Array.from({ length: 120 }, (_, i) => (i % 2 ? `v${i}` : `X-${i}`)),
  'more lines than a pattern has': Array.from({ length: 200 }, (_, i) => (i % 2 ? `v${i}` : `X-${i}`)),
};

for (const [name, lines] of Object.entries(LISTS)) {
  test(`headers of ${name} are Node's`, () => {
    assertAlike(lines);
    assertAlike(lines, { join: true });
  });
}

test('headers are those of the first lines only where maxHeadersCount says so', () => {
  const lines = ['Host', 'a', 'Accept', 'b', 'X-Thing', 'c'];
  assertAlike(lines);
  assertAlike(lines, { limit: 4 });
  assertAlike(lines);
});

test('headers of random lists are Node\'s', () => {
  const names = ['Host', 'host', 'Accept', 'Cookie', 'Set-Cookie', 'X-A', 'x-a', 'Via', '7', '__proto__', 'Date', 'TE'];
  const random = new Random(1);
  for (let i = 0; i < 2000; i++) {
    const lines = [];
    for (let n = random.below(7); n > 0; n--) lines.push(names[random.below(names.length)], `v${random.below(100)}`);
    assertAlike(lines, { join: random.below(2) === 1 });
  }
});

test('each request has headers of its own', () => {
  const lines = (value) => ['Host', value, 'X-Own', value];
  for (let i = 0; i < 3; i++) headersOf(Request, lines('warm'));
  const first = headersOf(Request, lines('1'));
  const second = headersOf(Request, lines('2'));
  first.host = 'changed';
  first.more = 'x';
  delete first['x-own'];
  assert.deepStrictEqual(second, { 'host': '2', 'x-own': '2' });
  assert.deepStrictEqual(headersOf(Request, lines('3')), { 'host': '3', 'x-own': '3' });
});

test('assigned headers stay, and lines are added to what is there', () => {
  for (const Message of [http.IncomingMessage, Request]) {
    const message = new Message();
    message._addHeaderLines(['Host', 'a'], 2);
    message.headers = { host: 'mine' };
    assert.deepStrictEqual(message.headers, { host: 'mine' });
    message._addHeaderLine('X-More', 'b', message.headers);
    message._addHeaderLine('Host', 'c', message.headers);
    assert.deepStrictEqual(message.headers, { 'host': 'mine', 'x-more': 'b' });
    const apart = {};
    message._addHeaderLine('Host', 'a', apart);
    assert.deepStrictEqual(apart, { host: 'a' });
  }
});

test('headers can be made anew, line by line', () => {
  const lines = ['Host', 'a', 'Accept', 'b'];
  for (const Message of [http.IncomingMessage, Request, Request, Request]) {
    const message = new Message();
    message._addHeaderLines(lines, 4);
    message.headers = {};
    for (let i = 0; i < 4; i += 2) message._addHeaderLine(lines[i], lines[i + 1], message.headers);
    assert.deepStrictEqual(message.headers, { host: 'a', accept: 'b' });
  }
});

test('a replaced _addHeaderLine is used', (t) => {
  const lines = ['Host', 'a', 'X-Replaced', 'b'];
  for (let i = 0; i < 3; i++) headersOf(Request, lines);
  t.mock.method(http.IncomingMessage.prototype, '_addHeaderLine', function (field, value, dest) {
    dest[`own-${field}`] = value;
  });
  assert.deepStrictEqual(headersOf(Request, lines), { 'own-Host': 'a', 'own-X-Replaced': 'b' });
});

test('the properties that loops find are those of Node\'s messages', () => {
  const found = (message) => {
    const names = [];
    for (const name in message) names.push(name);
    return names.sort();
  };
  const { Response } = require('../../lib/connection/response');
  assert.deepStrictEqual(found(new Request()), found(new http.IncomingMessage()));
  const req = new http.IncomingMessage();
  assert.deepStrictEqual(found(new Response(req)), found(new http.ServerResponse(req)));
});
