'use strict';
// Wraps one function of Node after the other, each before or after the server is loaded, and prints
// how often each was called for server-side objects during a fixed set of exchanges.
//
//   node wrapped.js IMPLEMENTATION before|after [FUNCTION]
//
// With a function, such as 'EventEmitter.on', it prints the callers of that function instead.

const { EventEmitter, once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const path = require('node:path');
const { Duplex, Readable, Writable } = require('node:stream');
const { Worker } = require('node:worker_threads');

const [, , implementation, when, only] = process.argv;

const OWNERS = {
  ServerResponse: http.ServerResponse.prototype,
  OutgoingMessage: http.OutgoingMessage.prototype,
  IncomingMessage: http.IncomingMessage.prototype,
  'http.Server': http.Server.prototype,
  'net.Server': net.Server.prototype,
  Socket: net.Socket.prototype,
  Duplex: Duplex.prototype,
  Readable: Readable.prototype,
  Writable: Writable.prototype,
  EventEmitter: EventEmitter.prototype,
};

/** The functions that a program can replace, as [name, owner, key]. */
function* functions() {
  for (const [name, owner] of Object.entries(OWNERS)) {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Object.getOwnPropertyDescriptor(owner, key);
      if (key === 'constructor' || typeof descriptor.value !== 'function') continue;
      if (!descriptor.writable && !descriptor.configurable) continue;
      yield [`${name}.${String(key)}`, owner, key];
    }
  }
}

function load() {
  if (implementation === 'node:http') return http;
  const root = path.resolve(implementation);
  if (when === 'before') {
    for (const file of Object.keys(require.cache)) {
      if (file.startsWith(root) && !file.endsWith('.node') && !file.includes('node_modules')) delete require.cache[file];
    }
  }
  return require(root);
}

function handler(req, res) {
  res.setHeader('X-B', 'c');
  switch (req.url) {
    case '/unread': res.end('end'); break;
    case '/chunked': res.write('a'); res.end('end'); break;
    case '/later': setImmediate(() => res.end('end')); break;
    case '/': req.resume().on('end', () => res.end('end')); break;
    default: res.end(Buffer.from('end'));
  }
}

async function run(worker, http) {
  const server = http.createServer(handler);
  server.on('clientError', (error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  server.on('upgrade', (req, socket) => {
    socket.on('data', () => socket.end('end'));
    socket.write('\r\n\r\n');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const done = once(worker, 'message');
  worker.postMessage(server.address().port);
  await done;
  await new Promise((resolve) => { server.close(resolve); });
}

function isServerSide(object) {
  return object instanceof http.ServerResponse || object instanceof http.IncomingMessage ||
    object instanceof net.Socket || object instanceof http.Server;
}

function note(calls, [argument]) {
  const callers = new Error().stack.split('\n').slice(3, 7).map((line) => line.trim()).join(' < ');
  const key = `${callers} ${String(argument).slice(0, 20)}`;
  calls[key] = (calls[key] ?? 0) + 1;
}

async function main() {
  const worker = new Worker(require.resolve('./exchanges.js'));
  const loaded = load();
  await run(worker, loaded); // does everything that happens once in a process
  const counts = {};
  for (const [name, owner, key] of functions()) {
    if (only && name !== only) continue;
    const original = owner[key];
    let count = 0;
    const calls = {};
    owner[key] = function (...args) {
      if (isServerSide(this)) {
        count++;
        if (only) note(calls, args);
      }
      return new.target ? Reflect.construct(original, args, new.target) : Reflect.apply(original, this, args);
    };
    const http = when === 'before' ? load() : loaded;
    count = 0; // while it is loaded, ferrohttp calls functions of Node to try them
    await run(worker, http);
    owner[key] = original;
    counts[name] = count;
    if (only) console.error(calls);
  }
  await worker.terminate();
  console.log(JSON.stringify(counts));
}

main();
