'use strict';
// V8 keeps the properties of servers, connections and messages at fixed places, as it does for Node's own. A dictionary
// of properties would change no behaviour, and cost a lookup by name at each access.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { test } = require('node:test');
const v8 = require('node:v8');
const { createServer } = require('../..');

v8.setFlagsFromString('--allow-natives-syntax');
const isFast = new Function('object', 'return %HasFastProperties(object)');

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const REQUESTS = 100;

/** The names of the objects behind a request whose properties are a dictionary. */
function slow(server, req, res) {
  const objects = { server, req, res, socket: req.socket, connection: req.socket.parser,
    Request: Object.getPrototypeOf(req), Response: Object.getPrototypeOf(res), Socket: Object.getPrototypeOf(req.socket) };
  return Object.keys(objects).filter((name) => !isFast(objects[name]));
}

for (const nth of ['first', 'second']) {
  test(`the properties behind a request of the ${nth} server are no dictionaries`, async (t) => {
    let found;
    let count = 0;
    const server = createServer((req, res) => {
      count++;
      if (count === REQUESTS) found = slow(server, req, res);
      res.end('ok', count === REQUESTS ? () => req.socket.end() : undefined);
    });
    t.after(() => server.close());
    server.maxConnections = 1000;
    server.anotherProperty = true;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = net.connect(server.address().port, '127.0.0.1', () => client.write(REQUEST.repeat(REQUESTS)));
    client.resume();
    await once(client, 'close');
    assert.deepEqual(found, []);
  });
}
