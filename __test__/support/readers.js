'use strict';

// Clients on a thread of their own. A test can let them act while its own thread, which is also the server's, is
// blocked: requests arrive together, and readers stop or leave.
//
// Every call blocks until the clients have done it. They read nothing before `read`.

const net = require('node:net');
const { createHash } = require('node:crypto');
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const { patience } = require('./patience.js');

/** The time limit. Only a broken test takes so long. */
const PATIENCE_MS = 20_000 * patience;

class Readers {
  /** Connects `count` clients. */
  static async open(port, count) {
    const readers = new Readers();
    readers.done = new Int32Array(new SharedArrayBuffer(4));
    readers.calls = 0;
    readers.results = new Map();
    readers.worker = new Worker(__filename, { workerData: { port, done: readers.done } });
    readers.worker.on('message', ([client, result]) => readers.results.get(client)(result));
    for (let i = 0; i < count; i++) readers.call('connect', i);
    return readers;
  }

  call(name, client, argument) {
    this.worker.postMessage([name, client, argument]);
    const before = this.calls++;
    // The notification of the call before may come only now.
    while (Atomics.load(this.done, 0) === before) {
      if (Atomics.wait(this.done, 0, before, PATIENCE_MS) === 'timed-out') throw new Error(`The clients do not ${name}`);
    }
  }

  send(client, text) { this.call('send', client, text); }

  /** Lets the client read: everything, or so many bytes. */
  read(client, bytes = Infinity) { this.call('read', client, bytes); }

  /** Lets the client leave, with FIN or with RST. */
  fin(client) { this.call('fin', client); }
  reset(client) { this.call('reset', client); }

  /**
   * What a client received in the end, or when it had so many bytes; with 'whole' the response to its last request,
   * with `{ more }` so many bytes after that request.
   */
  result(client, bytes = Infinity) {
    return new Promise((resolve) => {
      this.results.set(client, resolve);
      this.call('result', client, bytes);
    });
  }

  close() { return this.worker.terminate(); }
}

function work() {
  const { port, done } = workerData;
  const clients = [];

  /** Whether the response to what was sent last is there to its end, as its head has it. */
  const isWhole = ({ head, received, before, tail }) => {
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    return length === undefined ? tail.endsWith('\r\n0\r\n\r\n') : received - before >= end + 4 + Number(length);
  };

  const tell = (client) => {
    const has = () => {
      const { awaited, received, before } = client;
      if (awaited === 'whole') return isWhole(client);
      return typeof awaited === 'object' ? received - before >= awaited.more : received >= awaited;
    };
    if (client.awaited !== null && (client.ended !== null || has())) {
      client.awaited = null;
      parentPort.postMessage([client.number, {
        bytes: client.received, end: client.ended ?? 'open', digest: client.hash.copy().digest('hex'), runs: client.runs,
      }]);
    }
  };

  /** The bytes of the bodies as runs of equal bytes, if there are few runs. */
  const addRuns = (client, chunk) => {
    for (let at = 0; at < chunk.length;) {
      let end = at + 1;
      const byte = chunk[at];
      while (end < chunk.length && chunk[end] === byte) end++;
      const last = client.runs[client.runs.length - 1];
      if (last?.byte === byte) last.length += end - at;
      else if (client.runs.length < 1000) client.runs.push({ byte, length: end - at });
      at = end;
    }
  };

  const ACTIONS = {
    connect(number, _, then) {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      const client = {
        number, socket, received: 0, wanted: 0, awaited: null, ended: null, hash: createHash('sha1'), runs: [],
        before: 0, head: '', tail: '', // of the response that is awaited
      };
      clients[number] = client;
      socket.pause();
      socket.on('data', (chunk) => {
        client.received += chunk.length;
        if (client.head.length < 1000) client.head += chunk.toString('latin1', 0, 1000);
        client.tail = (client.tail + chunk.subarray(-7).toString('latin1')).slice(-7);
        client.hash.update(chunk);
        addRuns(client, chunk);
        if (client.received >= client.wanted) socket.pause();
        tell(client);
      });
      const end = (how) => {
        client.ended ??= how;
        tell(client);
      };
      socket.on('end', () => end('FIN'));
      socket.on('error', (error) => end(error.code));
      socket.on('close', () => end('closed'));
      socket.on('connect', then);
    },
    send(number, text, then) {
      const client = clients[number];
      client.before = client.received;
      client.head = '';
      client.socket.write(text, then);
    },
    read(number, bytes, then) {
      clients[number].wanted = bytes;
      clients[number].socket.resume();
      then();
    },
    fin(number, _, then) { clients[number].socket.end(then); },
    reset(number, _, then) {
      clients[number].socket.on('close', then);
      clients[number].socket.resetAndDestroy();
    },
    result(number, bytes, then) {
      clients[number].awaited = bytes;
      then();
      tell(clients[number]);
    },
  };

  parentPort.on('message', ([name, number, argument]) => ACTIONS[name](number, argument, () => {
    Atomics.add(done, 0, 1);
    Atomics.notify(done, 0);
  }));
}

if (isMainThread) module.exports = { Readers };
else work();
