'use strict';

// The bytes that clients send.

const { escape } = require('../lib/loadgen.js');

const text = (lines, body = '') => escape(`${lines.join('\r\n')}\r\n\r\n${body}`);

exports.hello = text(['GET / HTTP/1.1', 'Host: localhost']);
exports.helloBody = escape('Hello World\n');

exports.browser = text([
  'GET /items?page=2&sort=price HTTP/1.1',
  'Host: shop.example:8080',
  'Connection: keep-alive',
  'sec-ch-ua: "Chromium";v="128", "Not;A=Brand";v="24", "Google Chrome";v="128"',
  'sec-ch-ua-mobile: ?0',
  'sec-ch-ua-platform: "Linux"',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36',
  'Accept: application/json, text/plain, */*',
  'Sec-Fetch-Site: same-origin',
  'Sec-Fetch-Mode: cors',
  'Sec-Fetch-Dest: empty',
  'Referer: https://shop.example/items',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
  'Cookie: session=4b0f2c1d9e8a7f6b5c4d3e2f1a0b9c8d; theme=dark; consent=necessary,statistics; cart=3',
]);

const record = JSON.stringify({
  order: 1042,
  customer: { name: 'Ada Lovelace', mail: 'ada@example.org', address: '12 St James Square, London' },
  lines: Array.from({ length: 12 }, (_, i) => ({ sku: `SKU-${1000 + i}`, amount: i + 1, price: 19.5 + i, note: 'as usual' })),
});
exports.echo = text([
  'POST /orders HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/json',
  `Content-Length: ${Buffer.byteLength(record)}`,
], record);
exports.echoBody = escape(record);

// The name of the second field has a space.
exports.malformed = text(['GET / HTTP/1.1', 'Host: localhost', 'Bad Name: value']);
exports.refusal = escape('HTTP/1.1 400 Bad Request\r\n');

// The generator adds the framing field and the empty line.
exports.uploadHead = escape('POST /upload HTTP/1.1\r\nHost: localhost\r\n');

exports.fields = (n) => text(['GET / HTTP/1.1', 'Host: localhost',
  ...Array.from({ length: n - 1 }, (_, i) => `X-Field-${i}: value number ${i}`)]);
