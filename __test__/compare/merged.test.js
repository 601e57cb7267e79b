'use strict';

// Bytes, FIN and RST that are there together when the server looks: what a busy server gets. Its thread
// is blocked while the clients of another thread act, so that this is the same each time.

const fs = require('node:fs');
const assert = require('node:assert');
const { after, before, test } = require('node:test');
const implementations = require('../support/implementations.js');
const { MODES, Observer } = require('../support/observer.js');
const { guarded } = require('../support/harness.js');
const { Peer } = require('../support/peer.js');
const { quiet, stir, supported } = require('../support/quiet.js');
const { describeError, maskWire, text } = require('../support/trace.js');

const LARGE = 'x'.repeat(8 << 20);

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const POST = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n';

/** One connection as the observer wants it. */
class Lane {
  constructor(name, port) {
    this.name = name;
    this.port = port;
    this.log = [];
  }

  record(...entry) {
    stir();
    this.log.push(entry);
  }
}

const HANDLERS = {
  '/now': ({ res }) => res.end('now'),
  '/tick': ({ res }) => process.nextTick(() => res.end('tick')),
  '/immediate': ({ res }) => setImmediate(() => res.end('immediate')),
  '/second': ({ res }) => setImmediate(() => setImmediate(() => res.end('second'))),
  '/timer': ({ res, later }) => later(() => res.end('timer')),
  '/never': () => {},
  '/close': ({ res }) => {
    res.setHeader('Connection', 'close');
    res.end('close');
  },
  '/begin': ({ res }) => res.write('begun'),
  '/large': ({ res }) => res.end(LARGE),
  '/destroy': ({ req }) => req.socket.destroy(),
  '/pause': ({ req, res }) => {
    req.socket.pause();
    res.end('paused');
  },
  '/read': ({ req, res }) => req.resume().on('end', () => res.end('read')),
  '/echo': ({ req, res, observer }) => observer.readBody(req, (body) => res.end(body)),
  '/data': ({ req, res, lane }) => {
    req.socket.on('data', (chunk) => lane.record('socket data', text(chunk)));
    res.end('data');
  },
};

/** A server of one implementation, and what is seen of its connections. */
class Scene {
  static async open(implementation, mode, options = {}) {
    const scene = new Scene();
    scene.lanes = [];
    scene.sockets = [];
    scene.timers = [];
    const server = scene.server = implementation.createServer(options);
    const observer = scene.observer = new Observer(server, scene.lanes, {
      handler: (req, res) => scene.handle(req, res),
    });
    server.on('request', observer.onRequest);
    MODES[mode](observer);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    scene.address = { port: server.address().port, host: '127.0.0.1' };
    return scene;
  }

  handle(req, res) {
    const lane = this.observer.laneOf(req.socket);
    const later = (then) => this.timers.push(new Promise((resolve) => {
      setTimeout(() => {
        then();
        resolve();
      }, 3);
    }));
    if (!this.sockets.includes(req.socket)) this.sockets.push(req.socket);
    setImmediate(() => lane.record('immediate', req.url));
    HANDLERS[req.url]?.({ req, res, later, lane, observer: this.observer });
  }

  /** Has clients act while this thread is blocked, and waits until all has been dealt with. */
  async together(...steps) {
    for (const [action, name] of steps) {
      if (action === 'connect') this.lanes.push(new Lane(name));
    }
    for (const [action, name, argument] of steps) {
      const result = peer.do([action, name, action === 'connect' ? this.address : argument]);
      if (action === 'connect') this.lanes.find((lane) => lane.name === name).port = result;
    }
    await this.rest();
  }

  async rest() {
    await quiet();
    while (this.timers.length > 0) {
      await this.timers.shift();
      await quiet();
    }
  }

  async close() {
    const open = await new Promise((resolve) => this.server.getConnections((error, n) => resolve(n)));
    if (open === 0) for (const { name } of this.lanes) peer.do(['resume', name], ['ended', name]);
    const seen = this.lanes.map(({ name, log }) => {
      const { wire, end } = peer.seen(name);
      return { name, log, wire: maskWire(wire), end };
    });
    for (const { name } of this.lanes) peer.do(['reset', name, null]);
    this.server.close();
    this.server.closeAllConnections();
    await quiet();
    return { seen, open };
  }
}

let peer;

const descriptors = () => fs.readdirSync('/proc/self/fd').length;

// What has happened on the connection before: steps that are each dealt with before the next.
const STATES = {
  'a fresh connection': null,
  'an accepted connection': [],
  'a connection that has had a request': [['send', 'a', get('/now')]],
  'a connection in a head': [['send', 'a', 'GET /now HT']],
  'a connection in a later head': [['send', 'a', get('/now')], ['send', 'a', 'GET /now HT']],
  'a connection in a body': [['send', 'a', `${POST}ab`]],
  'a connection in a body that nobody reads': [['send', 'a', `${POST.replace('echo', 'never')}ab`]],
  'a connection with a response pending': [['send', 'a', get('/never')]],
  'a connection with a response begun': [['send', 'a', get('/begin')]],
  'a connection with a large response': [['pause', 'a'], ['send', 'a', get('/large')]],
  'a connection with a pipeline': [['send', 'a', get('/never') + get('/now')]],
  'a connection that was sent FIN': [['send', 'a', get('/close')]],
  'a refused connection': [['send', 'a', 'BAD\r\n\r\n']],
  'a paused connection': [['send', 'a', get('/pause')]],
  'a connection whose bytes are listened to': [['send', 'a', get('/data')]],
};

const LAST = {
  'nothing': null,
  'a part of a head': 'GET /n',
  'a refused head': 'BAD\r\n\r\n',
  'a request answered at once': get('/now'),
  'a request answered after a tick': get('/tick'),
  'a request answered in setImmediate': get('/immediate'),
  'a request answered in the next turn': get('/second'),
  'a request answered after a timer': get('/timer'),
  'a request that is not answered': get('/never'),
  'a request that is answered with a close': get('/close'),
  'a request whose handler destroys the socket': get('/destroy'),
  'a request with a large response': get('/large'),
  'a request whose handler pauses the socket': get('/pause'),
  'a request whose bytes are listened to': get('/data'),
  'a part of a body': `${POST}abc`,
  'a whole body': `${POST}abcdefghi`,
  'the rest of a body': 'cdefghi',
  'two requests': get('/now') + get('/immediate'),
  'two requests answered late': get('/timer') + get('/now'),
  'a full packet': `POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
};

async function play(implementation, mode, state, ending, bytes) {
  const scene = await Scene.open(implementation, mode);
  if (state === null) {
    await scene.together(['connect', 'a'], [ending, 'a', bytes]);
  } else {
    await scene.together(['connect', 'a']);
    for (const step of state) await scene.together(step);
    await scene.together([ending, 'a', bytes]);
  }
  // Who was paused looks only now.
  for (const socket of scene.sockets) if (socket.isPaused()) socket.resume();
  await scene.rest();
  return scene.close();
}

before(async () => {
  if (supported) peer = await new Peer().start();
});
after(() => peer?.stop());

const skip = supported ? false : 'needs /proc to know when a packet was consumed';
const only = process.env.MERGED ? new RegExp(process.env.MERGED) : null;

for (const [state, steps] of Object.entries(STATES)) {
  for (const [ending, word] of [['end', 'FIN'], ['reset', 'RST']]) {
    for (const [last, bytes] of Object.entries(LAST)) {
      for (const mode of ['listener', 'watched']) {
        const name = `${state} gets ${last} and ${word} (${mode})`;
        if (only && !only.test(name)) continue;
        test(name, { skip }, async () => {
          const before = descriptors();
          const [expected, actual] = await guarded((async () => [
            await play(implementations.node, mode, steps, ending, bytes),
            await play(implementations.ours, mode, steps, ending, bytes),
          ])(), name);
          if (process.env.COMPACT) {
            const c = (r) => r.seen.map((l) => l.log.map(([n, ...a]) => n + ' ' + a.map((x) => typeof x === 'object' && x !== null ? (x.own ? x.own.find(([k]) => k === 'code')?.[2] + ' ' + x.own.find(([k]) => k === 'syscall')?.[2] : x.bytesRead !== undefined ? (x.writable ? 'W' : '') + (x.readable ? 'R' : '') + (x.destroyed ? 'D' : '') + x.errorListeners: x.url ?? (x.aborted ? 'aborted' : '') + (x.complete ? ' complete' : '')) : String(x).slice(0, 20)).join(' ')).join(' | ') + ' || ' + l.end + ' ' + l.wire.slice(0, 12).replace(/\s/g, ' ') + l.wire.length).join() + ' open ' + r.open;
            const a = c(expected), b = c(actual);
            if (a !== b || process.env.COMPACT === 'all') console.log(`##${name}\n  node ${a}\n  ours ${b}`);
          }
          assert.deepStrictEqual(actual, expected);
        });
      }
    }
  }
}
void describeError;
