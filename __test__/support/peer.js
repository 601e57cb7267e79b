'use strict';

// Clients on a thread of their own. While they act, this thread waits, so that everything they send is in the server's
// kernel afterwards. So bytes, FIN and RST come together, as a busy server gets them.

const net = require('node:net');
const { Worker, isMainThread, parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads');
const { patience } = require('./patience.js');

const GIVE_UP_MS = 10_000 * patience;

class Peer {
  constructor() {
    this.asked = 0; // calls of `do`
    // The number of the last call that was answered.
    this.signal = new Int32Array(new SharedArrayBuffer(4));
    this.worker = new Worker(__filename, { workerData: this.signal });
    this.worker.unref();
  }

  /**
   * Has the steps done, in order, and waits for it without letting this thread's event loop turn. Each is [action,
   * client, argument]: 'connect' (to an address), 'send', 'end' and 'reset' (with bytes before, or null), 'pause' and
   * 'resume' (reading), 'ended' (waits for the server's FIN or RST). Returns what the last step returns.
   */
  do(...steps) {
    const number = ++this.asked;
    this.worker.postMessage({ number, steps });
    // The notification of the call before may come only now.
    for (let answered; (answered = Atomics.load(this.signal, 0)) !== number;) {
      if (Atomics.wait(this.signal, 0, answered, GIVE_UP_MS) === 'timed-out') {
        throw new Error(`The peer does not answer ${JSON.stringify(steps).slice(0, 200)}`);
      }
    }
    let message;
    // Those before answer calls that gave up waiting.
    do ({ message } = receiveMessageOnPort(this.port)); while (message.number !== number);
    if (message.error) throw new Error(message.error);
    return message.result;
  }

  async start() {
    this.port = await new Promise((resolve) => this.worker.once('message', resolve));
    return this;
  }

  /** What a client has seen: the bytes, and how the connection has ended. */
  seen(client) {
    return this.do(['seen', client]);
  }

  stop() {
    return this.worker.terminate();
  }
}

// --- on the other thread ------------------------------------------------------------------------------

const clients = new Map();

function connect(name, where) {
  const socket = net.connect({ ...where, allowHalfOpen: true, noDelay: true });
  const seen = { wire: '', end: 'open' };
  clients.set(name, { socket, seen });
  socket.on('data', (chunk) => { seen.wire += chunk.latin1Slice(); });
  socket.on('end', () => { if (seen.end === 'open') seen.end = 'FIN'; });
  socket.on('error', (error) => { if (seen.end === 'open') seen.end = error.code; });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(socket.localPort));
    socket.once('error', reject);
  });
}

const ACTIONS = {
  send: (socket, bytes) => new Promise((resolve) => { socket.write(bytes, 'latin1', resolve); }),
  end: (socket, bytes) => new Promise((resolve) => { socket.end(bytes ?? '', 'latin1', resolve); }),
  reset: (socket, bytes) => new Promise((resolve) => {
    socket.on('close', resolve);
    if (socket.destroyed) return resolve();
    if (bytes !== null) socket.write(bytes, 'latin1');
    return socket.resetAndDestroy();
  }),
  ended: (socket, _, seen) => new Promise((resolve) => {
    if (seen.end !== 'open' || socket.destroyed) resolve();
    else for (const event of ['end', 'close']) socket.on(event, resolve);
  }),
  pause: (socket) => { socket.pause(); },
  resume: (socket) => { socket.resume(); },
};

async function run([action, name, argument = null]) {
  if (action === 'connect') return connect(name, argument);
  const { socket, seen } = clients.get(name);
  if (action === 'seen') return seen;
  return ACTIONS[action](socket, argument, seen);
}

if (!isMainThread) {
  const { MessageChannel } = require('node:worker_threads');
  const { port1, port2 } = new MessageChannel();
  parentPort.postMessage(port2, [port2]);
  parentPort.on('message', async ({ number, steps }) => {
    let result;
    try {
      for (const step of steps) result = await run(step);
      port1.postMessage({ number, result });
    } catch (error) {
      port1.postMessage({ number, error: `${error.stack}` });
    }
    // A call that gave up may be answered after a later one.
    if (number > Atomics.load(workerData, 0)) Atomics.store(workerData, 0, number);
    Atomics.notify(workerData, 0);
  });
}

module.exports = { Peer };
