'use strict';
// Whether our parser says what the host's says. Both get the same requests (vectors.json), each through its
// own server's listener of connections, over a stream that is no socket. Nothing leaves this process.

const { Duplex } = require('stream');
const { IncomingMessage } = require('http');
const { llhttp: VERIFIED } = require('./verified.json');
const { newest } = require('./known.json');

const noop = () => {};

/** Whether this llhttp and this line of Node are among those that are tested with each release. */
function isVerified({ node, llhttp }) {
  return VERIFIED.includes(llhttp) && newest[node.split('.', 1)[0]] !== undefined;
}

/** The server's answers count for nothing. */
class Response {
  on() {}
  emit() {}
  assignSocket() {}
  detachSocket() {}
  writeContinue() {}
  writeHead() {}
  end() {}
  destroy() {}
}

/** What a server's listener says of the packets of one connection. */
function transcript(Server, packets, options) {
  const told = [];
  class Message extends IncomingMessage {
    push(chunk) {
      told.push(chunk === null ? ['end', this.rawTrailers.join()] : ['body', chunk.latin1Slice()]);
      return true;
    }

    resume() {
      return this;
    }
  }
  const server = new Server({
    IncomingMessage: Message,
    ServerResponse: Response,
    requireHostHeader: false,
    maxHeaderSize: options.maxHeaderSize,
    insecureHTTPParser: options.insecure,
  });
  if (options.maxHeaderPairs !== undefined) server.maxHeadersCount = options.maxHeaderPairs / 2;
  if (options.accept) server.on('upgrade', noop).on('connect', noop);
  let over = false;
  const [listener] = server.listeners('connection');
  server.emit = (event, first, second, head) => {
    switch (event) {
      case 'clientError':
        over = true;
        told.push(['error', first.code, first.reason, first.bytesParsed, first.message]);
        break;
      case 'upgrade': case 'connect':
        over = true;
        // An upgrade before the end of the request's body has its bytes later.
        told.push([event, first.complete ? head.latin1Slice() : '']);
        break;
      default: {
        const { method, url, httpVersion, rawHeaders, upgrade } = first;
        told.push([event, method, url, httpVersion, rawHeaders.join(), upgrade, second?.shouldKeepAlive]);
      }
    }
    return true;
  };
  const socket = new Duplex({ read: noop, write: noop });
  socket.pause(); // 'data' listeners would make it flow, some ticks later
  listener.call(server, socket);
  for (const packet of packets) {
    if (!over) socket.emit('data', Buffer.from(packet, 'latin1'));
  }
  if (options.fin && !over) socket.emit('end');
  const closing = socket.listeners('close');
  socket.removeAllListeners('close');
  for (const close of closing) close.call(socket);
  return JSON.stringify(told);
}

function text(pieces) {
  return pieces.map((piece) => (Array.isArray(piece) ? piece[0].repeat(piece[1]) : piece)).join('');
}

/** The first case in which the two differ; undefined if there is none. */
function firstDifference(cases, host, ours) {
  for (const one of cases) {
    const expected = transcript(host, one.packets, one.options);
    const actual = transcript(ours, one.packets, one.options);
    if (expected !== actual) return { ...one, expected, actual };
  }
  return undefined;
}

/** The shipped cases. A server takes no single lenient flags, so those with some are left out. */
function* shippedCases() {
  for (const [title, packets, { lenient = 0, ...options }] of require('./vectors.json')) {
    if (lenient !== 0 && lenient !== 1023) continue;
    yield { title, packets: packets.map(text), options: { ...options, insecure: lenient === 1023 } };
  }
}

module.exports = { isVerified, firstDifference, shippedCases, transcript };
