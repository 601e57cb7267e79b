'use strict';

// Runs batches of cases on two implementations at the same time. Each has one server for every mode.

const { Lane } = require('../support/lane.js');
const { HANDLERS, MODES, Observer } = require('../support/observer.js');
const { accepted, quiet } = require('../support/quiet.js');
const { describeRequest, text } = require('../support/trace.js');

// Nothing in a parity run may depend on time.
const TIMELESS = { keepAliveTimeout: 1e9, requestTimeout: 0, headersTimeout: 0 };

// What --options may hold besides the options of createServer.
const PROPERTIES = ['maxHeadersCount', 'maxRequestsPerSocket', 'httpAllowHalfOpen'];

/** Takes upgrades and tunnels over, and records what comes through them. */
function accept({ server, laneOf, taken }) {
  for (const event of ['upgrade', 'connect']) {
    server.on(event, (req, socket, head) => {
      const lane = laneOf(req.socket);
      taken.push(socket);
      lane.record(event, describeRequest(req), text(head));
      socket.on('error', () => {});
      socket.on('data', (chunk) => lane.record('data', text(chunk)));
      socket.on('end', () => socket.end('over'));
      req.on('data', (chunk) => lane.record('req data', text(chunk)));
    });
  }
}

// The modes: with and without listeners for refusals and for upgrades. Each is another path through a server.
const ARENA_MODES = {
  default: () => {},
  listener: (observer) => MODES.listener(observer),
  'default, accepting': accept,
  'listener, accepting': (observer) => {
    MODES.listener(observer);
    accept(observer);
  },
};

const ARENA_HANDLERS = ['hello', 'echo', 'later', 'hold'];

class Arena {
  /** Opens the servers of both implementations of `pair`. */
  static async open(pair, options = {}) {
    const arena = new Arena();
    arena.corners = new Map();
    const creation = { ...TIMELESS, ...options };
    for (const name of PROPERTIES) delete creation[name];
    for (const mode of Object.keys(ARENA_MODES)) {
      const corners = [];
      for (const implementation of pair) {
        const server = implementation.createServer(creation);
        for (const name of PROPERTIES) if (name in options) server[name] = options[name];
        const observer = new Observer(server, [], {
          handler: (req, res) => HANDLERS[observer.laneOf(req.socket).handler](req, res, observer),
        });
        observer.laneOf = observer.laneOf.bind(observer);
        observer.taken = [];
        server.on('request', observer.onRequest);
        ARENA_MODES[mode](observer);
        await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
        corners.push({ server, observer, where: { port: server.address().port, host: '127.0.0.1' } });
      }
      arena.corners.set(mode, corners);
    }
    return arena;
  }

  /** Runs `{ packets, mode, handler }` cases at once; returns a pair of traces for each. */
  async run(cases) {
    const runs = cases.map((spec) => ({
      packets: spec.packets,
      lanes: this.corners.get(spec.mode).map((corner) => {
        const lane = new Lane('');
        lane.handler = spec.handler;
        corner.observer.lanes.push(lane);
        return { lane, connected: lane.connect(corner.where) };
      }),
    }));
    await Promise.all(runs.flatMap(({ lanes }) => lanes.map(({ connected }) => connected)));
    for (const { server, observer } of [...this.corners.values()].flat()) {
      await accepted(server, observer.lanes.length);
    }
    await quiet();
    const rounds = Math.max(...runs.map(({ packets }) => packets.length));
    for (let round = 0; round < rounds; round++) {
      for (const { packets, lanes } of runs) {
        if (round >= packets.length) continue;
        for (const { lane } of lanes) if (lane.end === 'open') lane.send(packets[round]);
      }
      await quiet();
    }
    const all = runs.flatMap(({ lanes }) => lanes.map(({ lane }) => lane));
    for (const lane of all) lane.fin();
    await quiet();
    for (const lane of all) {
      if (lane.end === 'open') lane.record('still open');
      lane.reset();
    }
    await quiet();
    for (const corners of this.corners.values()) {
      for (const { server, observer } of corners) {
        // A socket that does not read does not hear of the reset.
        for (const socket of observer.taken.splice(0)) socket.destroy();
        server.closeAllConnections();
        observer.lanes.length = 0;
        observer.held.length = 0;
      }
    }
    return runs.map(({ lanes }) => lanes.map(({ lane }) => lane.trace()));
  }

  async close() {
    for (const { server } of [...this.corners.values()].flat()) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

module.exports = { ARENA_HANDLERS, ARENA_MODES, Arena };
