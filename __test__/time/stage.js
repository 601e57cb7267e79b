'use strict';

// Plays histories on servers of several implementations at once, and records what each shows.
//
// What a step can hold (`c` is the connection; an act of a connection that does not exist does nothing):
//   connect                   makes the connection; the server may accept it before the step ends
//   send id from to more      bytes of a request; with `more` they leave together with what follows
//   text text                 other bytes
//   fin, reset, close         of the client
//   read limit                'nothing more', 'all', or a number of bytes counted from the first
//   answer id                 the handler of a request that is held answers
//   destroy, end, expire      of the server's socket: destroy(), end(), setTimeout() to almost nothing
//
// All acts of a step happen before any server gets a turn, so acts on the same connection meet in the kernel. Then
// everything runs until nothing moves.

const fs = require('node:fs');
const { quiet, stir } = require('../support/quiet.js');
const { ENDS, UNLIMITED } = require('./peer.js');
const { TIMES, WAYS, bytesOf } = require('./requests.js');

// Nothing may depend on the clock.
const TIMELESS = { keepAliveTimeout: 1e9, requestTimeout: 0, headersTimeout: 0 };
const SMALL = { receiveBuffer: 8192, segment: 1460 };
const DESCRIPTORS = '/proc/self/fd';
const EXPIRE_MS = 1;
const EXPIRED_MS = 10;
// No history takes so long, even on a busy machine. This limit is for a history in which something never stops moving.
const GIVE_UP_MS = 120_000;
// How long a slow handler takes.
const LONG_MS = 1;

const REFUSALS = {
  destroy: (err, socket) => socket.destroy(),
  reply: (err, socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'),
  keep: () => {},
};

const still = new Int32Array(new SharedArrayBuffer(4));

function block(ms) {
  if (ms > 0) Atomics.wait(still, 0, 0, ms);
}

class Play {
  constructor(stage, implementation, history, how) {
    Object.assign(this, { stage, history, how, step: 0, accepted: [], held: new Map(), clients: [] });
    const { options } = history;
    this.server = implementation.createServer({ ...TIMELESS });
    this.server.httpAllowHalfOpen = options.httpAllowHalfOpen;
    this.server.maxRequestsPerSocket = options.maxRequestsPerSocket;
    this.bySocket = new Map();
    this.summary = [];
    this.server.on('request', (req, res) => this.request(req, res));
    if (options.connection) {
      this.server.on('connection', (socket) => this.seen(socket).note('connection'));
    }
    if (options.clientError !== 'none') {
      this.server.on('clientError', (err, socket) => {
        this.seen(socket).note('clientError', err.code, `writable ${socket.writable}`);
        REFUSALS[options.clientError](err, socket);
      });
    }
  }

  open() {
    return new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }

  // ---- What the server shows ---------------------------------------------------------------

  /** The events of a socket. */
  seen(socket) {
    let shown = this.bySocket.get(socket);
    if (shown) return shown;
    const events = [];
    shown = {
      socket, events, finished: 0, c: this.clients.findIndex((client) => client?.port === socket.remotePort),
      note: (...event) => {
        events.push([this.step, ...event]);
        stir();
      },
    };
    this.bySocket.set(socket, shown);
    if (this.history.options.watch) {
      socket.on('error', (err) => shown.note('socket error', err.code));
      socket.on('close', (hadError) => shown.note('socket close', hadError));
      for (const event of ['end', 'timeout', 'finish']) socket.on(event, () => shown.note(`socket ${event}`));
    }
    return shown;
  }

  request(req, res) {
    const shown = this.seen(req.socket);
    const id = req.url.slice(1);
    const plan = this.history.plans[id] ?? { when: 'never' };
    // A connection that was reset has forgotten its port.
    shown.c = Number(id.split('.', 1)[0]);
    const note = (name, ...rest) => shown.note(`${id} ${name}`, ...rest);
    note('request', `keep-alive ${res.shouldKeepAlive}`);
    for (const event of ['end', 'aborted', 'close']) {
      req.on(event, () => note(`req ${event}`, `complete ${req.complete}`, `aborted ${req.aborted}`));
    }
    req.on('error', (err) => note('req error', err.code));
    for (const event of ['finish', 'close']) {
      res.on(event, () => note(`res ${event}`, `finished ${res.writableFinished}`));
    }
    res.on('error', (err) => note('res error', err.code));
    if (plan.consume === 'resume') req.resume();
    if (plan.consume === 'data') {
      let sum = 0;
      req.on('data', (chunk) => {
        sum += chunk.length;
        stir();
      });
      // The kernel decides how a body is cut into chunks, and how much of it arrives if the connection is reset.
      req.on('end', () => note('req read', sum));
    }
    res.sendDate = false;
    this.meanwhile(plan, 'begin', req.socket);
    res.on('finish', () => {
      shown.finished += plan.size ?? 0;
      this.meanwhile(plan, 'finish', req.socket);
    });
    const answer = () => {
      if (plan.length) res.setHeader('Content-Length', plan.size);
      try {
        WAYS[plan.way](res, plan, (when, run) => this.stage.later(when, run), note);
      } catch (err) {
        note('thrown', err.code ?? err.message);
      }
      this.meanwhile(plan, 'answered', req.socket);
    };
    if (plan.when === 'held') {
      if (this.held.get(id) === 'answer') answer();
      else this.held.set(id, answer);
    } else if (plan.when in TIMES) {
      const when = TIMES[plan.when];
      if (when === null) answer();
      else this.stage.later(when, answer);
    }
  }

  /**
   * Acts of the client while a handler runs. The handler takes longer than the 2 ms for which ferrohttp holds responses of
   * a turn back, so the client has got what was written before. It also takes so long that ferrohttp asks the kernel what
   * has come meanwhile.
   */
  meanwhile({ meanwhile }, moment, socket) {
    if (meanwhile?.at !== moment) return;
    const { peer } = this.stage;
    for (const { c } of meanwhile.acts) {
      if (this.clients[c] && socket.writableLength === 0) peer.add('await', this.clients[c].id, socket.bytesWritten);
    }
    this.acts(meanwhile.acts);
    peer.run();
    block(LONG_MS);
  }

  // ---- What is done ------------------------------------------------------------------------

  acts(acts) {
    for (const act of acts) ACTS[act.do](this, act);
  }

  socketOf(c) {
    return [...this.bySocket.values()].filter((shown) => shown.c === c).map(({ socket }) => socket)[0];
  }

  // ---- What is there afterwards ------------------------------------------------------------

  /** Records what can be seen from outside. The part of the clients follows when they answer. */
  async look() {
    const open = await new Promise((resolve) => this.server.getConnections((err, n) => resolve(n)));
    this.summary.push(`${open} open`);
    for (const client of this.clients) {
      if (!client) continue;
      this.stage.peer.ask('report', client.id, [], (answer) => {
        client.seen.push({ end: ENDS[answer.number()], total: answer.number() });
        client.hash = answer.number();
        client.text = answer.text();
      });
    }
  }

  trace() {
    const clients = this.clients.map((client) => client && {
      seen: client.seen, text: client.text, hash: client.hash,
    });
    const sockets = [...this.bySocket.values()].map(({ c, events, finished }) => ({ c, events, finished }));
    return { summary: this.summary, clients, sockets, isDated: this.history.options.maxRequestsPerSocket > 0 };
  }
}

function toClient(kind) {
  return ({ stage, clients }, { c }) => {
    if (clients[c]) stage.peer.add(kind, clients[c].id);
  };
}

function send({ stage, clients }, c, bytes, more) {
  if (clients[c]) stage.peer.add('send', clients[c].id, more ? 1 : 0, bytes);
}

/** An act of the server. By then the earlier acts of the clients have happened. */
function serverSide(run) {
  return (play, act) => {
    play.stage.peer.run();
    run(play, act);
  };
}

const ACTS = {
  connect(play, { c }) {
    const { peer } = play.stage;
    if (play.clients[c]) return;
    const id = peer.nextId++;
    const { receiveBuffer, segment } = play.history.connections[c].small ? SMALL : { receiveBuffer: 0, segment: 0 };
    const client = play.clients[c] = { id, seen: [] };
    const room = Math.round(receiveBuffer * (play.how.room ?? 1));
    peer.ask('connect', id, [play.server.address().port, room, segment], (answer) => {
      client.port = answer.number();
    });
  },
  send(play, { c, id, from, to, more }) {
    send(play, c, bytesOf(play.history.plans[id]).subarray(from, to), more);
  },
  text(play, { c, text, more }) {
    send(play, c, Buffer.from(text, 'latin1'), more);
  },
  fin: toClient('fin'),
  reset: toClient('reset'),
  close: toClient('close'),
  read({ stage, clients }, { c, limit }) {
    if (!clients[c]) return;
    const amounts = { all: UNLIMITED, 'nothing more': clients[c].seen.at(-1)?.total ?? 0 };
    stage.peer.add('read', clients[c].id, amounts[limit] ?? limit);
  },
  answer: serverSide((play, { id }) => {
    const answer = play.held.get(id);
    play.held.set(id, 'answer');
    if (typeof answer === 'function') answer();
  }),
  destroy: serverSide((play, { c }) => play.socketOf(c)?.destroy()),
  end: serverSide((play, { c }) => play.socketOf(c)?.end()),
  expire: serverSide((play, { c }) => {
    const socket = play.socketOf(c);
    if (!socket || socket.destroyed) return;
    socket.setTimeout(EXPIRE_MS);
    // A timer that is armed later and lasts longer fires later.
    play.stage.later((run) => setTimeout(run, EXPIRED_MS), () => {});
  }),
};

/** How many descriptors of this process are sockets. */
function sockets() {
  return fs.readdirSync(DESCRIPTORS).filter((fd) => {
    try {
      return fs.readlinkSync(`${DESCRIPTORS}/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

class Stage {
  constructor(peer, pair) {
    Object.assign(this, { peer, pair, awaited: 0 });
  }

  /** Runs something later, by `when`. The step ends after it. */
  later(when, run) {
    this.awaited++;
    let done = false;
    when(() => {
      if (done) return;
      done = true;
      this.awaited--;
      stir();
      run();
    });
  }

  async settle(plays, { late, sip, timersFirst, odd }) {
    if (odd) await new Promise((resolve) => setImmediate(resolve));
    const begin = Date.now();
    let accepted = -1;
    await quiet(() => {
      if (Date.now() - begin > GIVE_UP_MS) throw new Error('Something moves for ever');
      // Node accepts one connection a turn, which cannot be seen.
      const now = plays.reduce((sum, { server }) => sum + server._connections, 0);
      const moved = now !== accepted;
      accepted = now;
      const pumped = !(timersFirst && this.awaited > 0) && this.peer.pump(sip);
      if (pumped) block(late?.pumps);
      return pumped || moved || this.awaited > 0;
    });
  }

  /**
   * Returns the traces of each history, one for each implementation (`pair`). `how` changes the way in which it is played:
   *   late         the milliseconds between what clients do in a step (`acts`), or afterwards (`pumps`), and the servers' turn
   *   sip          the number of bytes that a client reads between two turns of the servers
   *   room         a factor for the usual buffers of small connections
   *   timersFirst  clients read only when no handler waits for its time
   *   odd          clients read after the first turn of the servers, the third, and so on, instead of the second, the fourth...
   */
  async run(histories, how = {}, pair = this.pair) {
    const { late } = how;
    const played = histories.map((history) => pair.map((implementation) => new Play(this, implementation, history, how)));
    const plays = played.flat();
    const before = sockets();
    await Promise.all(plays.map((play) => play.open()));

    const scene = async (act, isOver = () => false) => {
      for (const play of plays) act(play);
      this.peer.run();
      block(late?.acts);
      await this.settle(plays, how);
      const seen = plays.filter((play) => !isOver(play));
      for (const play of seen) await play.look();
      this.peer.run();
      for (const play of seen) play.step++;
    };
    const steps = Math.max(0, ...histories.map(({ steps }) => steps.length));
    for (let step = 0; step < steps; step++) {
      // What a history shows must not depend on how long the others are that are played with it.
      await scene((play) => play.acts(play.history.steps[step] ?? []), ({ history }) => step >= history.steps.length);
    }
    const all = (kind, ...args) => (play) => {
      for (const client of play.clients) if (client) this.peer.add(kind, client.id, ...args);
    };
    await scene(all('read', UNLIMITED));
    await scene(all('reset'));
    await scene((play) => play.server.close(() => play.summary.push('closed')));
    await scene((play) => play.server.closeAllConnections());
    const left = sockets() - before;
    for (const play of plays) all('forget')(play);
    this.peer.run();
    return { traces: played.map((pair) => pair.map((play) => play.trace())), left };
  }
}

module.exports = { Stage };
