'use strict';

// Bytes, FIN and RST that are all there when the server looks, as on a busy server. The server's thread is blocked
// while the clients on another thread act, so that this happens each time.

const assert = require('node:assert');
const fs = require('node:fs');
const { after, before, test } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const implementations = require('../support/implementations.js');
const { guarded } = require('../support/harness.js');
const { MODES, Observer } = require('../support/observer.js');
const { Peer } = require('../support/peer.js');
const { quiet, stir } = require('../support/quiet.js');
const { maskWire, text } = require('../support/trace.js');

const get = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const POST = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n';

const HANDLERS = {
  '/now': ({ res }) => res.end('now'),
  '/tick': ({ res }) => process.nextTick(() => res.end('tick')),
  '/immediate': ({ res }) => setImmediate(() => res.end('immediate')),
  '/second': ({ res }) => setImmediate(() => setImmediate(() => res.end('second'))),
  '/late': ({ res, late }) => late.push(() => res.end('late')),
  '/never': () => {},
  '/close': ({ res }) => {
    res.setHeader('Connection', 'close');
    res.end('close');
  },
  '/begin': ({ res }) => res.write('begun'),
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

/** One connection as the observer wants it. */
class Lane {
  constructor(name) {
    this.name = name;
    this.log = [];
  }

  record(...entry) {
    stir();
    this.log.push(entry);
  }
}

/** A server of one implementation, and the events of its connections. */
class Scene {
  static async open(implementation, mode) {
    const scene = new Scene();
    scene.lanes = [];
    scene.sockets = new Set();
    scene.late = []; // what runs when everything else has happened
    const server = scene.server = implementation.createServer();
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
    const { late, observer } = this;
    const lane = observer.laneOf(req.socket);
    this.sockets.add(req.socket);
    // Marks the events that belong to the turn of the request.
    setImmediate(() => lane.record('immediate', req.url));
    HANDLERS[req.url]?.({ req, res, late, lane, observer });
  }

  /** Lets clients act while this thread is blocked, and waits until the server has handled everything. */
  async together(...steps) {
    for (const [action, name, argument] of steps) {
      if (action !== 'connect') {
        peer.do([action, name, argument]);
      } else {
        const lane = new Lane(name);
        this.lanes.push(lane);
        lane.port = peer.do([action, name, this.address]);
      }
    }
    await this.rest();
  }

  async rest() {
    await quiet();
    while (this.late.length > 0) {
      this.late.shift()();
      await quiet();
    }
  }

  /** Resumes what was paused. */
  async resume() {
    for (const socket of this.sockets) if (socket.isPaused()) socket.resume();
    await this.rest();
  }

  async close() {
    const open = await new Promise((resolve) => this.server.getConnections((error, n) => resolve(n)));
    const seen = this.lanes.map(({ name, log }) => {
      if (open === 0) peer.do(['ended', name]);
      const { wire, end } = peer.seen(name);
      return { name, log: [...log], wire: maskWire(wire), end };
    });
    for (const { name } of this.lanes) peer.do(['reset', name, null]);
    this.server.close();
    this.server.closeAllConnections();
    await quiet();
    return { seen, open };
  }
}

// What has happened on a connection before. The server handles each step before the next one comes. With null, it has
// not even accepted the connection.
const STATES = {
  'a fresh connection': null,
  'an accepted connection': [],
  'a connection that has had a request': [['send', get('/now')]],
  'a connection in a head': [['send', 'GET /now HT']],
  'a connection in a later head': [['send', get('/now')], ['send', 'GET /now HT']],
  'a connection in a body': [['send', `${POST}ab`]],
  'a connection in a body that nobody reads': [['send', `${POST.replace('echo', 'never')}ab`]],
  'a connection with a response pending': [['send', get('/never')]],
  'a connection with a response begun': [['send', get('/begin')]],
  'a connection with a pipeline': [['send', get('/never') + get('/now')]],
  'a connection that was sent FIN': [['send', get('/close')]],
  'a refused connection': [['send', 'BAD\r\n\r\n']],
  'a paused connection': [['send', get('/pause')]],
  'a connection whose bytes are listened to': [['send', get('/data')]],
};

const FULL = `POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`;

const LAST = {
  'nothing': null,
  'a part of a head': 'GET /n',
  'a refused head': 'BAD\r\n\r\n',
  'a request answered at once': get('/now'),
  'a request answered after a tick': get('/tick'),
  'a request answered in setImmediate': get('/immediate'),
  'a request answered in the next turn': get('/second'),
  'a request answered late': get('/late'),
  'a request that is not answered': get('/never'),
  'a request that is answered with a close': get('/close'),
  'a request whose handler destroys the socket': get('/destroy'),
  'a request whose handler pauses the socket': get('/pause'),
  'a request whose bytes are listened to': get('/data'),
  'a part of a body': `${POST}abc`,
  'a whole body': `${POST}abcdefghi`,
  'the rest of a body': 'cdefghi',
  'two requests': get('/now') + get('/immediate'),
  'two requests answered late': get('/late') + get('/now'),
  'more than a packet': FULL,
};

const [uvMajor, uvMinor] = process.versions.uv.split('.', 2).map(Number);
const hangUpEnds = uvMajor === 1 && uvMinor < 52;

/**
 * The kernel of the client decides how much of more than a packet has left when the client resets. Another thread reads
 * the first packet of a connection, and decides when it has the rest of a head, or of more than a packet.
 */
const uncertain = (state, ending, bytes) => {
  const first = state === null || state.length === 0;
  return (bytes === FULL && (ending === 'reset' || first)) ||
    (ending === 'reset' && hangUpEnds && first && bytes === LAST['a part of a head']);
};

/**
 * An I/O thread reads on its own. It decides whether the next packet, or RST behind a packet, is read within the turn
 * or some turns later, as the network does for a server without one.
 */
const upToThread = (ending, bytes) => Number(process.env.FERROHTTP_IO_THREADS) > 0 &&
  (bytes === FULL || /second|immediate/.test(bytes) || (ending === 'reset' && bytes !== null));

async function play(implementation, mode, state, ending, bytes) {
  const scene = await Scene.open(implementation, mode);
  if (state === null) {
    await scene.together(['connect', 'a'], [ending, 'a', bytes]);
  } else {
    await scene.together(['connect', 'a']);
    for (const [action, argument] of state) await scene.together([action, 'a', argument]);
    await scene.together([ending, 'a', bytes]);
  }
  await scene.resume();
  const result = await scene.close();
  // It depends on unread bytes whether that is FIN or RST.
  if (bytes === FULL) for (const seen of result.seen) if (seen.end !== 'open') seen.end = 'ended';
  return result;
}

let peer;
let descriptors;

const hasDescriptors = process.platform !== 'win32';

/** The descriptors that stay open, except files of /proc, which quiet() keeps open for each thread. */
function countDescriptors() {
  const kept = fs.readdirSync('/dev/fd').filter((fd) => {
    try {
      return !fs.readlinkSync(`/dev/fd/${fd}`).startsWith('/proc/');
    } catch {
      return true; // it was the descriptor of the folder itself, or the system has no links here
    }
  });
  return kept.length;
}

/**
 * Checks that both servers do the same. Two runs of node:http itself differ about once in 500 scenes, because the
 * kernel or a timer is a moment later. So only what differs in each try is a difference.
 */
async function both(what, action, tries = 4) {
  const [expected, actual] = await guarded((async () => [
    await action(implementations.node), await action(implementations.ours),
  ])(), what);
  if (tries > 1 && !isDeepStrictEqual(actual, expected)) await both(what, action, tries - 1);
  else assert.deepStrictEqual(actual, expected, what);
}

before(async () => {
  peer = await new Peer().start();
  // The descriptors of the first server stay.
  for (const implementation of [implementations.node, implementations.ours]) {
    await play(implementation, 'listener', [], 'end', get('/now'));
  }
  if (hasDescriptors) descriptors = countDescriptors();
});
after(() => peer?.stop());

for (const [state, steps] of Object.entries(STATES)) {
  for (const [ending, word] of [['end', 'FIN'], ['reset', 'RST']]) {
    for (const mode of ['listener', 'watched']) {
      test(`${state} gets bytes and ${word}: ${mode}`, async () => {
        for (const [last, bytes] of Object.entries(LAST)) {
          if (uncertain(steps, ending, bytes) || upToThread(ending, bytes)) continue;
          await both(`${last} and ${word}`, (implementation) => play(implementation, mode, steps, ending, bytes));
        }
      });
    }
  }
}

test('many connections get their bytes and ends together', async () => {
  const endings = [['end', get('/now')], ['end', get('/never')], ['reset', null], ['send', get('/now')],
    ['end', 'GET /n'], ['end', `${POST}abc`], ['end', null], ['send', get('/never')]];
  const names = endings.map((_, i) => `connection ${i}`);
  for (const mode of ['listener', 'watched']) {
    await both(mode, async (implementation) => {
      const scene = await Scene.open(implementation, mode);
      await scene.together(...names.map((name) => ['connect', name]));
      await scene.together(...names.map((name) => ['send', name, get('/now')]));
      await scene.together(...endings.map(([action, bytes], i) => [action, names[i], bytes]));
      return scene.close();
    });
  }
});

test('a packet that comes in the turn of the one before is for the next turn', async () => {
  await both('two packets', async (implementation) => {
    const scene = await Scene.open(implementation, 'listener');
    await scene.together(['connect', 'a']);
    await scene.together(['send', 'a', get('/now')]);
    scene.server.prependOnceListener('request', () => peer.do(['send', 'a', get('/tick')]));
    await scene.together(['send', 'a', get('/now')]);
    return scene.close();
  });
});

test('\'connection\' has a turn of its own before the first packet', async () => {
  await both('a socket destroyed in setImmediate', async (implementation) => {
    const scene = await Scene.open(implementation, 'listener');
    scene.server.on('connection', (socket) => {
      scene.observer.laneOf(socket).record('connection');
      setImmediate(() => socket.destroy());
    });
    await scene.together(['connect', 'a'], ['send', 'a', get('/now')]);
    const { seen: [{ log, wire }], open } = await scene.close();
    return { log, wire, open };
  });
});

test('no descriptor stays', { skip: !hasDescriptors && 'Windows has no folder of descriptors' }, async () => {
  // Threads that end close their descriptors a little later.
  const returned = async () => { while (countDescriptors() > descriptors) await quiet(); };
  await guarded(returned(), `${countDescriptors()} descriptors, ${descriptors} before`);
});
