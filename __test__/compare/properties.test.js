'use strict';

// Every property that net.Server, http.Server and net.Socket of the running Node have, on a server and a socket of both
// implementations: its value, and what happens when a program sets, replaces or deletes it. EXCEPTIONS has the intended
// differences (docs/differences.md gives the reasons).

const assert = require('node:assert');
const http = require('node:http');
const net = require('node:net');
const { once } = require('node:events');
const { test } = require('node:test');
const { guarded } = require('../support/harness.js');
const { node, ours } = require('../support/implementations.js');

const EXCEPTIONS = {
  server: new Set([
    '_events', // the listener of 'connection' is another one
    'clientErrorCounts', // this method is added
    'constructor',
    // These are wrapped, so that the engine learns of listeners.
    'on', 'addListener', 'prependListener', 'removeListener', 'off', 'removeAllListeners',
    '_emitCloseIfDrained',
    'emit', // it is an accessor, so that a replacement is noticed at once
    '_connections', // Rust counts
  ]),
  socket: new Set(['constructor', 'parser', '_handle']),
};

/** The names of all properties of an object and its prototypes, EventEmitter's included. */
function namesOf(object, ...prototypes) {
  const names = new Set(Object.getOwnPropertyNames(object));
  for (let at of prototypes) {
    for (; at !== Object.prototype && at !== null; at = Object.getPrototypeOf(at)) {
      for (const name of Object.getOwnPropertyNames(at)) names.add(name);
    }
  }
  return [...names].sort();
}

function describe(value) {
  if (typeof value === 'function') return 'function'; // names are for stack traces
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'object';
  return String(value);
}

function attempt(action) {
  try {
    return describe(action());
  } catch (err) {
    return `${err.name} ${err.code}`;
  }
}

/** Ports, descriptors and times differ from one server to the next. */
const CHANGING = /port|Port|^(_idleStart|_peername|_sockname|_connectionKey)$/;

function look(object, name) {
  return CHANGING.test(name) ? typeof object[name] : attempt(() => object[name]);
}

/** What happens when a property is set to some values, and deleted again. */
function change(object, name) {
  const before = Object.getOwnPropertyDescriptor(object, name);
  const shown = [];
  for (const value of [undefined, null, 0, 7, 'text', true]) {
    shown.push(attempt(() => {
      object[name] = value;
      return object[name];
    }));
  }
  shown.push(Object.hasOwn(object, name), Object.keys(object).includes(name));
  if (before === undefined) shown.push(attempt(() => delete object[name]), look(object, name));
  else Object.defineProperty(object, name, before);
  return shown;
}

// Setting these breaks the test, or other tests do it.
const LEFT_ALONE = /^_(handle|events|eventsCount|readableState|writableState|server|httpMessage)$|^(server|parser|_parent|_host)$/;

/** What each property shows of a server, before and while it listens, and of a socket within a request. */
async function inspect({ createServer }) {
  const server = createServer();
  const result = { idle: {}, listening: {}, socket: {}, changes: {} };
  const serverNames = namesOf(server, net.Server.prototype, http.Server.prototype);
  for (const name of serverNames) if (!EXCEPTIONS.server.has(name)) result.idle[name] = look(server, name);
  for (const name of serverNames) {
    if (!EXCEPTIONS.server.has(name) && !LEFT_ALONE.test(name)) result.changes[name] = change(createServer(), name);
  }
  await once(server.listen(0, '127.0.0.1'), 'listening');
  for (const name of serverNames) if (!EXCEPTIONS.server.has(name)) result.listening[name] = look(server, name);
  const client = net.connect(server.address().port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [{ socket }] = await once(server, 'request');
  const socketNames = namesOf(socket, net.Socket.prototype);
  for (const name of socketNames) if (!EXCEPTIONS.socket.has(name)) result.socket[name] = look(socket, name);
  for (const name of socketNames) {
    if (!EXCEPTIONS.socket.has(name) && !LEFT_ALONE.test(name)) result.changes[`socket.${name}`] = change(socket, name);
  }
  client.destroy();
  socket.destroy();
  server.close();
  return result;
}

for (const part of ['idle', 'listening', 'socket', 'changes']) {
  test(`properties: ${part}`, async () => {
    const [expected, actual] = await guarded(Promise.all([inspect(node), inspect(ours)]), part);
    assert.ok(Object.keys(expected[part]).length > 20);
    assert.deepStrictEqual(actual[part], expected[part]);
  });
}
