'use strict';

// The actions of clients. Each is an async function of a Visit. It throws `Ended` if the server has ended a connection
// early, and `Wrong` if the server has done what no server may do.

const { createHash } = require('node:crypto');
const { setTimeout: sleep } = require('node:timers/promises');
const WebSocket = require('ws');
const { LIMIT, SEEDS, body } = require('../lib/pattern.js');
const { Ended, Wire, Wrong } = require('./wire.js');

const HOW = ['end', 'string', 'write', 'drain', 'pipe'];
const WHEN = ['now', 'tick', 'immediate', 'timer'];
const HOST = 'Host: localhost\r\n';

/** Requests that are refused as soon as they are read. */
const MALFORMED = [
  'BAD\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n',
  'GET / HTTP/1.1\r\nHost : a\r\n\r\n',
  'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
  'GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  'POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  `GET / HTTP/1.1\r\nHost: a\r\nx: ${'y'.repeat(17 << 10)}\r\n\r\n`,
  '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
];

/** One action of a client, with everything that has to be closed if it takes too long. */
class Visit {
  constructor({ ports, random, nextId }) {
    this.random = random;
    this.ports = ports;
    this.nextId = nextId;
    this.open = [];
    /** The ids of the requests that were sent, with the number of bytes of the response that came: { id, received }. */
    this.asked = [];
  }

  port() {
    return this.random.pick(Object.values(this.ports));
  }

  async connect(port = this.port(), options) {
    const wire = await Wire.connect(port, options);
    this.open.push(() => wire.leave());
    return wire;
  }

  leave() {
    for (const close of this.open) close();
  }

  /** A target, and the response that it must get. */
  bytes(largest, more = '') {
    const { random } = this;
    const length = random.size(0, largest);
    const seed = random.between(0, SEEDS - 1);
    const id = this.nextId();
    const asked = { id, received: 0, done: false };
    this.asked.push(asked);
    const target = `/bytes?id=${id}&seed=${seed}&length=${length}&how=${random.pick(HOW)}&when=${random.pick(WHEN)}${more}`;
    const expected = body(seed, length);
    let at = 0;
    const sink = (chunk) => {
      if (!chunk.equals(expected.subarray(at, at + chunk.length))) {
        throw new Wrong(`${target}: other bytes at ${at}`);
      }
      at += chunk.length;
      asked.received = at;
    };
    const end = ({ status }) => {
      if (status !== 200) throw new Wrong(`${target}: status ${status}`);
      if (at !== length) throw new Wrong(`${target}: ${at} bytes of ${length} and a regular end`);
      asked.done = true;
    };
    return { target, sink, end, length };
  }

  head(method, target, fields = '') {
    return `${method} ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
  }

  /** The target of a route whose response has no known body. */
  target(route) {
    const id = this.nextId();
    this.asked.push({ id, received: 0, done: false });
    return `/${route}?id=${id}`;
  }

  async get(wire, largest) {
    const { target, sink, end } = this.bytes(largest);
    wire.write(this.head('GET', target));
    end(await wire.response(sink));
  }
}

function text() {
  const chunks = [];
  const sink = (chunk) => { chunks.push(chunk); };
  sink.text = () => Buffer.concat(chunks).toString('latin1');
  return sink;
}

/** A request body: its bytes, and the fields of the head for it. */
function upload(visit, largest) {
  const { random } = visit;
  const length = random.size(0, largest);
  const bytes = body(random.between(0, SEEDS - 1), length);
  const chunked = random.chance(0.5);
  const fields = chunked ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${length}\r\n`;
  const pieces = function* (least, most) {
    for (let at = 0; at < length;) {
      const piece = bytes.subarray(at, at + random.between(least, most));
      at += piece.length;
      yield chunked ? Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]) : piece;
    }
    if (chunked) yield Buffer.from('0\r\n\r\n');
  };
  const answer = () => `${length} ${createHash('sha1').update(bytes).digest('hex')}`;
  return { fields, pieces, answer, bytes };
}

async function counted(wire, answer) {
  const sink = text();
  await wire.response(sink);
  if (sink.text() !== answer()) throw new Wrong(`/count: ${sink.text()} instead of ${answer()}`);
}

/**
 * Reads the reply to a refusal. A server closes right after it, so whatever the system does not take at once is lost.
 */
async function refused(wire) {
  const reply = await wire.rest();
  if (/^HTTP\/1\.1 4\d\d [^]*\r\n\r\n/.test(reply)) return;
  const known = ['HTTP/1.1 400 Bad Request\r\n', 'HTTP/1.1 408 Request Timeout\r\n',
    'HTTP/1.1 413 Payload Too Large\r\n', 'HTTP/1.1 431 Request Header Fields Too Large\r\n'];
  const length = Math.min(reply.length, 24);
  if (!known.some((start) => start.startsWith(reply.slice(0, length)))) throw new Wrong(`refused with ${JSON.stringify(reply)}`);
  throw new Ended(wire.error?.code ?? (reply === '' ? 'FIN' : 'FIN in a refusal'));
}

const ACTIONS = {
  /** Requests one after the other on a connection. */
  async keepAlive(visit) {
    const wire = await visit.connect();
    for (let i = visit.random.between(1, 15); i > 0; i--) await visit.get(wire, 100_000);
    wire.leave(visit.random.chance(0.2));
  },

  /** Requests that do not wait for one another. */
  async pipeline(visit) {
    const wire = await visit.connect();
    const requests = Array.from({ length: visit.random.between(2, 30) }, (_, i) =>
      visit.bytes(20_000, i > 0 ? '&queued' : ''));
    wire.write(requests.map(({ target }) => visit.head('GET', target)).join(''));
    for (const { sink, end } of requests) end(await wire.response(sink));
    wire.leave();
  },

  /** Sends a request and FIN together. The response comes at once. */
  async halfClose(visit) {
    const wire = await visit.connect();
    wire.socket.end(visit.head('GET', `/ignore?id=${visit.nextId()}`));
    const sink = text();
    await wire.response(sink);
    if (sink.text() !== 'ignored') throw new Wrong(`/ignore: ${sink.text()}`);
    const rest = await wire.rest();
    if (rest !== '') throw new Wrong(`after the answer: ${rest}`);
  },

  /** Sends something that is refused, first or after a good request. */
  async refusal(visit) {
    const wire = await visit.connect();
    if (visit.random.chance(0.3)) await visit.get(wire, 1000);
    wire.write(visit.random.pick(MALFORMED));
    await refused(wire);
    wire.leave();
  },

  /** A head that is never completed. */
  async expiry(visit) {
    const wire = await visit.connect();
    wire.write(visit.head('GET', '/count').slice(0, visit.random.between(0, 20)));
    await refused(wire);
    wire.leave();
  },

  /** Waits until the server closes the connection, because no further request comes. */
  async idle(visit) {
    const wire = await visit.connect();
    await visit.get(wire, 1000);
    const rest = await wire.rest();
    if (rest !== '') throw new Wrong(`an idle connection received ${rest}`);
  },

  /** Leaves at any time, with FIN or RST. */
  async abort(visit) {
    const { random } = visit;
    const wire = await visit.connect();
    const { target, length } = visit.bytes(4 << 20);
    const head = visit.head('GET', target);
    const reset = random.chance(0.5);
    switch (random.between(0, 3)) {
      case 0: break;
      case 1: wire.write(head.slice(0, random.between(1, head.length - 1))); break;
      case 2: wire.write(head); break;
      default: {
        // In the middle of the answer.
        wire.write(head);
        await wire.until('\r\n\r\n');
        for (let left = random.between(0, length); left > 0;) {
          const chunk = await wire.chunk();
          if (chunk === null) break;
          left -= chunk.length;
        }
      }
    }
    if (random.chance(0.5)) await sleep(random.between(0, 30));
    wire.leave(reset);
  },

  /** Leaves as `abort` does, in the middle of a request's body. */
  async abortedUpload(visit) {
    const { random } = visit;
    const wire = await visit.connect();
    const { fields, pieces } = upload(visit, 1 << 20);
    wire.write(visit.head('POST', visit.target(random.pick(['count', 'echo', 'never'])), fields));
    for (const piece of pieces(1000, 60_000)) {
      if (random.chance(0.1) || wire.over) break;
      await wire.send(piece);
    }
    wire.leave(random.chance(0.5));
  },

  /** Leaves without having got a response. */
  async impatience(visit) {
    const wire = await visit.connect();
    wire.write(visit.head('GET', visit.target('never')));
    await sleep(visit.random.between(0, 200));
    wire.leave(visit.random.chance(0.5));
  },

  /** Reads a response that is larger than the buffers of the system, with pauses. */
  async slowReader(visit) {
    const wire = await visit.connect(undefined, { highWaterMark: 16 << 10 });
    const { target, sink, end } = visit.bytes(LIMIT);
    wire.write(visit.head('GET', target));
    const leaves = visit.random.chance(0.3) ? visit.random.between(1, 100) : Infinity;
    let rests = 0;
    let left = false;
    const slow = async (chunk) => {
      sink(chunk);
      if (!visit.random.chance(0.1)) return;
      await sleep(visit.random.between(1, 15));
      if (++rests > leaves) {
        left = true;
        wire.leave(visit.random.chance(0.5));
      }
    };
    try {
      end(await wire.response(slow));
    } catch (error) {
      if (!left) throw error;
    }
    wire.leave();
  },

  /** A head in pieces, or a body. */
  async slowSender(visit) {
    const { random } = visit;
    const wire = await visit.connect();
    const { fields, pieces, answer } = upload(visit, 50_000);
    const head = visit.head('POST', visit.target('count'), fields);
    for (let at = 0; at < head.length;) {
      const step = random.between(1, 40);
      await wire.send(head.slice(at, at += step));
      await sleep(random.between(0, 10));
    }
    for (const piece of pieces(500, 20_000)) {
      await wire.send(piece);
      await sleep(random.between(0, 20));
    }
    await counted(wire, answer);
    wire.leave();
  },

  async upload(visit) {
    const wire = await visit.connect();
    const { fields, pieces, answer } = upload(visit, 4 << 20);
    wire.write(visit.head('POST', visit.target('count'), fields));
    for (const piece of pieces(1000, 200_000)) await wire.send(piece);
    await counted(wire, answer);
    await visit.get(wire, 1000);
    wire.leave();
  },

  /** Sends and receives at once. */
  async echo(visit) {
    const wire = await visit.connect();
    const { fields, pieces, bytes } = upload(visit, 1 << 20);
    wire.write(visit.head('POST', visit.target('echo'), fields));
    let at = 0;
    const answer = wire.response((chunk) => {
      if (!chunk.equals(bytes.subarray(at, at + chunk.length))) throw new Wrong(`/echo: other bytes at ${at}`);
      at += chunk.length;
    });
    const sent = (async () => {
      for (const piece of pieces(1000, 100_000)) await wire.send(piece);
    })();
    await Promise.all([answer, sent]);
    if (at !== bytes.length) throw new Wrong(`/echo: ${at} bytes of ${bytes.length}`);
    wire.leave();
  },

  /** The answer comes before the body does. */
  async unreadUpload(visit) {
    const wire = await visit.connect();
    const { fields, pieces } = upload(visit, 100_000);
    wire.write(visit.head('POST', visit.target('ignore'), fields));
    for (const piece of pieces(1000, 60_000)) await wire.send(piece);
    const sink = text();
    await wire.response(sink);
    if (sink.text() !== 'ignored') throw new Wrong(`/ignore: ${sink.text()}`);
    await visit.get(wire, 1000);
    wire.leave();
  },

  async webSocket(visit) {
    const { random } = visit;
    const socket = new WebSocket(`ws://127.0.0.1:${visit.port()}/`);
    visit.open.push(() => socket.terminate());
    await new Promise((resolve, reject) => {
      let left = random.between(1, 30);
      let expected;
      const send = () => {
        expected = body(random.between(0, SEEDS - 1), random.size(0, 70_000));
        socket.send(expected);
      };
      socket.on('open', send);
      socket.on('message', (data) => {
        if (!data.equals(expected)) return reject(new Wrong('a WebSocket message came back changed'));
        if (--left > 0) return send();
        if (random.chance(0.3)) socket.terminate();
        else socket.close();
      });
      socket.on('close', () => (left > 0 ? reject(new Ended('WebSocket')) : resolve()));
      socket.on('error', () => {});
    });
  },

  async tunnel(visit) {
    const { random } = visit;
    const wire = await visit.connect();
    wire.write('CONNECT somewhere:1 HTTP/1.1\r\nHost: somewhere:1\r\n\r\n');
    await wire.until('\r\n\r\n');
    for (let i = random.between(1, 10); i > 0; i--) {
      const bytes = body(random.between(0, SEEDS - 1), random.size(1, 20_000));
      wire.write(bytes);
      let at = 0;
      await wire.exactly(bytes.length, (chunk) => {
        if (!chunk.equals(bytes.subarray(at, at + chunk.length))) throw new Wrong('a tunnel changed bytes');
        at += chunk.length;
      });
    }
    if (random.chance(0.5)) {
      wire.fin();
      const rest = await wire.rest();
      if (rest !== '') throw new Wrong(`after a tunnel: ${JSON.stringify(rest.slice(0, 100))}`);
    }
    wire.leave();
  },
};

/** [weight, name] */
const MIX = [
  [20, 'keepAlive'], [8, 'pipeline'], [4, 'halfClose'], [14, 'refusal'], [3, 'expiry'], [4, 'idle'], [12, 'abort'],
  [6, 'abortedUpload'], [3, 'impatience'], [5, 'slowReader'], [5, 'slowSender'], [6, 'upload'], [4, 'echo'],
  [3, 'unreadUpload'], [5, 'webSocket'], [3, 'tunnel'],
];

module.exports = { ACTIONS, MIX, Visit };
