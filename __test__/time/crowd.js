'use strict';

// Crowds measure what many requests or much output do to a server and to its other clients. Time and memory are never the
// same twice, so ferrohttp only has to stay within a wide factor of node:http. Each crowd is played alone, first on
// node:http.
//
//   flood    one client sends many requests at once, and another sends one. Measured are the time of both, and how many
//            requests are emitted before the event loop turns
//   unread   clients send many requests and read nothing. Measured is how many requests are emitted
//   shared   one Buffer is the body of many responses that nobody reads. Measured is the memory

const fs = require('node:fs');
const v8 = require('node:v8');
const vm = require('node:vm');
const { Random } = require('../parity/random.js');
const { quiet, stir } = require('../support/quiet.js');
const { UNLIMITED } = require('./peer.js');
const { TIMES } = require('./requests.js');

const GIVE_UP_MS = 120_000;
// How often a crowd is played until it stays within bounds, because the processor may be busy with something else.
const TRIES = 2;
const SWEEP_MS = 100;

// Frees what earlier histories have left, so that it is not freed while memory is measured.
v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc');

function residentMiB() {
  return Number(fs.readFileSync('/proc/self/statm', 'latin1').split(' ')[1]) * 4096 / 2 ** 20;
}

function request(path) {
  return Buffer.from(`GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
}

function pass(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Counts requests by turns of the event loop. */
class Turns {
  constructor() {
    this.most = 0;
    this.now = 0;
  }

  count() {
    if (this.now++ === 0) setImmediate(() => {
      this.most = Math.max(this.most, this.now);
      this.now = 0;
    });
  }
}

const KINDS = {
  async flood(peer, server, { requests, when }) {
    const turns = new Turns();
    server.on('request', (req, res) => {
      turns.count();
      const answer = () => res.end('hello\n');
      if (TIMES[when]) TIMES[when](answer);
      else answer();
    });
    const { port } = server.address();
    const ids = [];
    const took = async (n) => {
      for (const begin = Date.now(); Date.now() - begin < GIVE_UP_MS; await pass(2)) {
        let done;
        peer.ask('progress', ids[n], [], (answer) => {
          done = [answer.number(), answer.number()];
        });
        peer.run();
        if (done[1] > 0) return { answered: done[0], ms: done[1] / 1000 };
      }
      return { answered: 'too few', ms: Infinity };
    };
    peer.ask('flood', 0, [port, requests, request('')], (answer) => ids.push(answer.number()));
    peer.run();
    await new Promise((resolve) => server.once('request', resolve));
    peer.ask('ask', 0, [port, request('')], (answer) => ids.push(answer.number()));
    peer.run();
    const other = await took(1);
    const flood = await took(0);
    return {
      'requests answered': flood.answered,
      'other requests answered': other.answered,
      'ms until all are answered': flood.ms,
      'ms until another client is answered': other.ms,
      'requests in one turn': turns.most,
    };
  },

  async unread(peer, server, { clients, requests, size, when }) {
    const body = 'x'.repeat(size);
    let seen = 0;
    server.on('request', (req, res) => {
      seen++;
      stir();
      const answer = () => res.end(body);
      if (TIMES[when]) TIMES[when](answer);
      else answer();
    });
    const before = residentMiB();
    const ids = connect(peer, server, clients);
    const many = Buffer.concat(Array(requests).fill(request('')));
    for (const id of ids) peer.add('send', id, 0, many);
    peer.run();
    await settle(peer, () => seen < clients);
    const grown = residentMiB() - before;
    leave(peer, ids);
    await quiet();
    return { 'requests let in': seen, 'MiB for what is pending': grown };
  },

  async shared(peer, server, { clients, size, way }) {
    const body = Buffer.alloc(size, 'x');
    let seen = 0;
    server.on('request', (req, res) => {
      seen++;
      stir();
      if (way === 'write') res.write(body);
      res.end(way === 'end' ? body : '');
    });
    const before = residentMiB();
    const ids = connect(peer, server, clients);
    for (const id of ids) peer.add('send', id, 0, request(''));
    peer.run();
    await settle(peer, () => seen < clients);
    const grown = residentMiB() - before;
    leave(peer, ids);
    await quiet();
    return { 'MiB for what is pending': grown };
  },
};

function settle(peer, busy) {
  const begin = Date.now();
  return quiet(() => peer.pump() || (busy() && Date.now() - begin < GIVE_UP_MS));
}

/** Clients that read nothing. */
function connect(peer, server, clients) {
  const ids = Array.from({ length: clients }, () => peer.nextId++);
  for (const id of ids) {
    peer.ask('connect', id, [server.address().port, 8192, 1460], (answer) => answer.number());
    peer.add('read', id, 0);
  }
  peer.run();
  return ids;
}

function leave(peer, ids) {
  for (const id of ids) {
    peer.add('read', id, UNLIMITED);
    peer.add('reset', id);
    peer.add('forget', id);
  }
  peer.run();
}

/** How much larger than with node:http each measure may be: a factor, and a number that is added. */
const BOUNDS = {
  'requests answered': [1, 0],
  'other requests answered': [1, 0],
  'ms until all are answered': [2.5, 300],
  'ms until another client is answered': [3, 300],
  'requests in one turn': [2, 1000],
  'requests let in': [1.5, 200],
  'MiB for what is pending': [1.1, 32],
};

async function measure(peer, implementation, crowd) {
  collect();
  // Another thread gives the memory back, which takes time.
  await pass(SWEEP_MS);
  const server = implementation.createServer({ requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const measured = await KINDS[crowd.kind](peer, server, crowd);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return measured;
}

/** The first measure that is out of bounds in each try, or null. */
async function crowdDifference(peer, [node, ours], crowd) {
  let found;
  for (let n = 0; n < TRIES; n++) {
    const expected = await measure(peer, node, crowd);
    const actual = await measure(peer, ours, crowd);
    const name = Object.keys(expected).find((key) => {
      const [factor, added] = BOUNDS[key];
      return !(actual[key] <= expected[key] * factor + added);
    });
    if (!name) return null;
    const round = (number) => (typeof number === 'number' ? Math.round(number) : number);
    found = { kind: `more ${name}`, where: JSON.stringify(crowd), expected: round(expected[name]), actual: round(actual[name]) };
  }
  return found;
}

const TURNS_LATER = ['immediate', 'immediate', 'tick', 'now'];

/** Makes the crowd with this number, from a seed. */
function crowdOf(seed, number) {
  const random = new Random(seed, -1 - number);
  const kind = Object.keys(KINDS)[number % Object.keys(KINDS).length];
  return {
    flood: () => ({ kind, requests: random.between(20, 30) * 1000, when: random.pick(TURNS_LATER) }),
    unread: () => ({
      kind, clients: random.between(8, 12), requests: random.between(20, 30) * 100,
      size: random.between(1000, 3000), when: random.pick(TURNS_LATER),
    }),
    shared: () => ({
      // glibc keeps freed memory of up to 32 MiB, which a later measure would use again unseen.
      kind, clients: random.between(4, 10), size: random.between(33, 40) << 20, way: random.pick(['end', 'write']),
    }),
  }[kind]();
}

module.exports = { crowdDifference, crowdOf, measure };
