'use strict';
// Compares ferrohttp's parser with Node's. Both get the same requests (vectors.json) through the connection listener of
// a server, over a stream that is no socket. Nothing leaves this process.

const { Duplex } = require('stream');
const { IncomingMessage } = require('http');

const noop = () => {};

/** A response that does nothing, because the server's answers are not compared. */
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

/** Returns, as text, what a server makes of the packets of one connection. */
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
        // If the request's body is not complete, the bytes behind it come later.
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
  socket.pause(); // otherwise a 'data' listener would make it flow some ticks later
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

/** Returns the first case in which the two differ; undefined if there is none. */
function firstDifference(cases, host, ours) {
  for (const one of cases) {
    const expected = transcript(host, one.packets, one.options);
    const actual = transcript(ours, one.packets, one.options);
    if (expected !== actual) return { ...one, expected, actual };
  }
  return undefined;
}

/** The shipped cases. Cases with single lenient flags are left out, because a server has only all of them or none. */
function* shippedCases() {
  for (const [title, packets, { lenient = 0, ...options }] of require('./vectors.json')) {
    if (lenient !== 0 && lenient !== 1023) continue;
    yield { title, packets: packets.map(text), options: { ...options, insecure: lenient === 1023 } };
  }
}

module.exports = { firstDifference, shippedCases, transcript };
