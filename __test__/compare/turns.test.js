'use strict';

// What a program can see between the events of one turn: ticks, microtasks, contexts, and how a handler changes the
// events after its own.

const { AsyncLocalStorage } = require('node:async_hooks');
const diagnostics = require('node:diagnostics_channel');
const { PerformanceObserver } = require('node:perf_hooks');
const { compare } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';

function url(path) {
  return GET.replace('/', path);
}

/** Blocks this thread while the other threads of a server run. */
function block(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

compare('between the events of two connections', [
  {
    name: 'run ticks and microtasks',
    modes: ['default', 'watched'],
    async script({ connect, note, observer, quiet }) {
      const order = [];
      const lanes = [];
      for (let i = 0; i < 8; i++) lanes.push(await connect());
      observer.handle = (req, res) => {
        const n = req.socket.remotePort;
        order.push(['request', n]);
        process.nextTick(() => order.push(['tick', n]));
        Promise.resolve().then(() => order.push(['microtask', n]));
        queueMicrotask(() => process.nextTick(() => order.push(['second tick', n])));
        res.end('x');
      };
      await quiet();
      for (const lane of lanes) lane.send(GET);
      // This gives a server with threads the time to read them all.
      block(30);
      await quiet();
      // Connections may be served in any order, so each gets its number when it appears.
      const seen = [];
      for (const [what, port] of order) {
        if (!seen.includes(port)) seen.push(port);
        note(what, seen.indexOf(port));
      }
    },
  },
  {
    name: 'run ticks before the pipelined request behind',
    async script({ connect, note, observer, send }) {
      const lane = await connect();
      observer.handle = (req, res) => {
        note('request', req.url);
        process.nextTick(() => note('tick', req.url));
        queueMicrotask(() => note('microtask', req.url));
        res.end('x');
      };
      await send(lane, url('/a') + url('/b') + url('/c'));
    },
  },
  ...[
    ['complete', '\r\n\r\n'],
    ['refused', '\n\n'],
    ['cut down to fewer', '\r\n\r\n', 3],
  ].map(([name, end, limit = null]) => ({
    name: `run ticks before a head of many fields that is ${name}`,
    modes: ['listener'],
    setup(server) { server.maxHeadersCount = limit; },
    async script({ connect, note, observer, send }) {
      observer.handle = (req, res) => {
        note('request', req.url);
        process.nextTick(() => note('tick', req.url));
        res.end('x');
      };
      for (const count of [31, 32]) {
        const lane = await connect();
        await send(lane, url('/a') + `GET /b HTTP/1.1${'\r\nHost: a'.repeat(count)}${end}`);
      }
    },
  })),
  {
    name: 'run ticks before the body',
    async script({ connect, note, observer, send }) {
      const lane = await connect();
      observer.handle = (req, res) => {
        note('request', req.method);
        process.nextTick(() => note('tick', req.complete, req.readableLength));
        req.on('data', (chunk) => {
          note('data', String(chunk));
          process.nextTick(() => note('tick of data'));
        });
        req.on('end', () => {
          note('end');
          res.end();
        });
      };
      await send(lane, POST + POST);
    },
  },
]);

compare('a handler that', [
  {
    name: 'destroys another connection with a request on its way',
    // It is FIN or a reset, depending on whether the request was still in the kernel.
    anyEnd: true,
    async script({ connect, note, observer, quiet }) {
      const sockets = [];
      observer.server.on('connection', (socket) => sockets.push(socket));
      const lanes = [await connect(), await connect()];
      await quiet();
      let handled = 0;
      observer.handle = (req, res) => {
        handled++;
        for (const socket of sockets) if (socket !== req.socket) socket.destroy();
        res.end('x');
      };
      for (const lane of lanes) lane.send(GET);
      block(30);
      await quiet();
      note('handled', handled, 'open', lanes.filter(({ end }) => end === 'open').length);
    },
  },
  {
    name: 'destroys its own connection with requests behind',
    async script({ connect, note, observer, send }) {
      const lane = await connect();
      observer.handle = (req, res) => {
        note('request', req.url);
        if (req.url === '/b') req.socket.destroy();
        else res.end('x');
      };
      await send(lane, url('/a') + url('/b') + url('/c'));
    },
  },
  {
    name: 'removes the request listener',
    async script({ server, connect, note, send }) {
      const lane = await connect();
      server.removeAllListeners('request');
      server.once('request', (req, res) => {
        note('request', req.url);
        res.end('x');
      });
      await send(lane, url('/a') + url('/b'));
      await send(lane, url('/c'));
    },
  },
  {
    name: 'pauses its socket with requests behind',
    async script({ connect, note, observer, send }) {
      const lane = await connect();
      let socket;
      observer.handle = (req, res) => {
        note('request', req.url);
        if (req.url === '/b') (socket = req.socket).pause();
        res.end('x');
      };
      await send(lane, url('/a') + url('/b') + url('/c'));
      await send(lane, url('/d'));
      note('resume');
      socket.resume();
    },
  },
]);

const storage = new AsyncLocalStorage();

compare('an async context', [
  {
    name: 'does not come from the request of another connection',
    async script({ connect, note, observer, quiet }) {
      observer.handle = (req, res) => {
        note(storage.getStore());
        storage.enterWith('of a request');
        setImmediate(() => res.end(storage.getStore()));
      };
      const lanes = [await connect(), await connect(), await connect()];
      for (const lane of lanes) lane.send(GET);
      block(30);
      await quiet();
    },
  },
  {
    name: 'is that of the request in its own callbacks',
    async script({ connect, note, observer, send }) {
      const lane = await connect();
      observer.handle = (req, res) => storage.run('mine', () => {
        req.on('data', () => {});
        req.on('end', () => {
          queueMicrotask(() => note('microtask', storage.getStore()));
          res.end('x', () => note('ended', storage.getStore()));
        });
        setImmediate(() => note('immediate', storage.getStore()));
      });
      await send(lane, POST);
    },
  },
  {
    name: 'of listen is not that of requests\' clients',
    async script({ connect, note, observer, send }) {
      observer.handle = (req, res) => {
        note(storage.getStore());
        res.end();
      };
      const lane = await connect();
      await storage.run('of the client', () => send(lane, GET));
    },
  },
]);

function subscribed(name, see) {
  return {
    name: `on ${name}`,
    modes: ['default'],
    async script({ server, connect, note, send }) {
      const seen = (message) => {
        if (message.server === undefined || message.server === server) note(name, see(message));
      };
      diagnostics.subscribe(name, seen);
      const lane = await connect();
      await send(lane, GET);
      await send(lane, 'BAD');
      diagnostics.unsubscribe(name, seen);
    },
  };
}

compare('a diagnostics channel', [
  subscribed('http.server.request.start', (message) => [Object.keys(message), message.request.url]),
  subscribed('http.server.response.finish', (message) => [Object.keys(message),
    message.response.statusCode]),
]);

compare('a performance observer', [{
  name: 'of type http',
  async script({ connect, note, send }) {
    const lane = await connect();
    const entries = new Promise((resolve) => {
      const observer = new PerformanceObserver((list) => {
        resolve(list.getEntries().filter(({ name }) => name === 'HttpRequest'));
        observer.disconnect();
      });
      observer.observe({ entryTypes: ['http'] });
    });
    await send(lane, GET);
    const [entry] = await entries;
    note(entry.entryType, Object.keys(entry.detail), entry.detail.req.url,
      entry.detail.res.statusCode);
  },
}]);

compare('a socket that is resumed', [
  {
    name: 'is read in the next turn',
    modes: ['default', 'watched'],
    async script({ connect, note, observer, quiet, send }) {
      const [paused, other] = [await connect(), await connect()];
      let socket;
      observer.handle = (req, res) => {
        note('request', req.url);
        if (req.url === '/first') {
          ({ socket } = req);
          // It pauses later, because the end of a message resumes the socket.
          setImmediate(() => socket.pause());
        } else if (req.url === '/resume') {
          socket.resume();
          setImmediate(() => note('immediate'));
        }
        res.end('x');
      };
      await send(paused, url('/first'));
      await send(paused, url('/second'));
      await send(other, url('/resume'));
      await quiet();
    },
  },
]);
