'use strict';
// Level `node`: Node's own server. ferrohttp only sees, counts, keeps and answers refusals. This needs no binary.

const http = require('http');
const { canAnswer } = require('./host/answering');
const methods = require('./refusals/methods');
const { NodeStore } = require('./refusals/node-store');
const { optionsOf } = require('./refusals/options');
const { replyTo } = require('./refusals/replies');
const { watch } = require('./refusals/watch');
const { kServer } = require('./server/key');

/** The status of Node's default replies. Every other code has 400. */
const STATUS = new Map([['HPE_HEADER_OVERFLOW', 431], ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413], ['ERR_HTTP_REQUEST_TIMEOUT', 408]]);

/** How many codes count apart. A program may emit any code. */
const CODES = 256;

/** What a server has at level `node` instead of a ServerLink. */
class NodeLink {
  constructor(server, refusals) {
    const options = optionsOf(refusals);
    this.server = server;
    this.native = new NodeStore(options);
    this.replies = options.replies;
    this.watch = watch(server, this.native, options.log);
    this.codes = new Map();
    this.connections = new WeakMap(); // by socket: when it began, and how many requests it had
    this.numbers = new WeakMap(); // by error: the number of the refusal, and whether it was left to a listener
  }

  /** Code, count, code, count, ... of all refusals so far. */
  counts() {
    return [...this.codes].flat();
  }

  /** What is known of the connection of a socket. A program may emit these events itself, with any arguments. */
  connection(socket) {
    if (socket === null || typeof socket !== 'object') return { begun: Date.now(), requests: 0, refused: false };
    if (!this.connections.has(socket)) this.connections.set(socket, { begun: Date.now(), requests: 0, refused: false });
    return this.connections.get(socket);
  }

  /** Sees an event before its listeners do. */
  see(event, subject, socket) {
    if (event === 'connection' || event === 'secureConnection') this.connection(subject);
    else if (event === 'request') this.connection(subject?.socket).requests++;
    else if (event === 'drop') this.native.drop(subject, this.server);
    else if (event === 'clientError') this.note(subject, socket);
  }

  note(error, socket) {
    const { server } = this;
    const code = typeof error?.code === 'string' ? error.code : 'UNKNOWN';
    const counted = this.codes.has(code) || this.codes.size < CODES ? code : 'OTHER';
    this.codes.set(counted, (this.codes.get(counted) ?? 0) + 1);
    const left = server.listenerCount('clientError') > 0;
    const outcome = left ? 'listener' : canAnswer(socket) ? 'reply' : 'closed';
    const connection = this.connection(socket);
    const { begun, requests, refused: repeat } = connection;
    connection.refused = true;
    const number = this.native.add(error, {
      begun, requests, repeat, socket, outcome, status: outcome === 'reply' ? this.statusOf(code) : null,
      insecure: server.insecureHTTPParser === true, maxHeaderSize: server.maxHeaderSize || http.maxHeaderSize,
    });
    if (error !== null && typeof error === 'object') this.numbers.set(error, { number, left });
  }

  statusOf(code) {
    return this.own(code)?.status ?? STATUS.get(code) ?? 400;
  }

  own(code) {
    return this.replies.find((reply) => reply.code === code) ?? this.replies.find((reply) => reply.code === 'default');
  }

  /** Answers if nobody listened and the program has a reply of its own. Otherwise Node answers. */
  answerOwn(error, socket) {
    if (this.own(error?.code) === undefined || typeof socket?.destroy !== 'function') return false;
    this.answer(error, socket);
    return true;
  }

  /** Sends the program's own reply or Node's, and destroys the socket. */
  answer(error, socket) {
    const code = typeof error?.code === 'string' ? error.code : '';
    if (canAnswer(socket)) {
      const { number = 0, left = false } = this.numbers.get(error) ?? {};
      const field = JSON.parse(this.native.refusal(number) ?? '{}').at?.field ?? '';
      const own = this.own(code);
      const status = this.statusOf(code);
      socket.write(own === undefined ? `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\n\r\n` :
        replyTo(own, { code, reason: error?.reason ?? '', field, id: String(number) }));
      if (left) this.native.answered(number, status);
    }
    socket.destroy(error);
  }
}

/** Makes a class that extends Node's `Base` and sees refusals. */
function countingServer(Base) {
  function Server(options, requestListener) {
    if (!(this instanceof Server)) return new Server(options, requestListener);
    const refusals = options !== null && typeof options === 'object' ? options.refusals : undefined;
    const link = new NodeLink(this, refusals);
    Base.call(this, options, requestListener);
    Object.defineProperty(this, kServer, { value: link, configurable: true });
  }
  Object.setPrototypeOf(Server.prototype, Base.prototype);
  Object.setPrototypeOf(Server, Base);

  Object.defineProperty(Server.prototype, 'emit', {
    value: function emit(event, ...args) {
      const link = this[kServer];
      link?.see(event, ...args);
      const heard = Reflect.apply(Base.prototype.emit, this, [event, ...args]);
      return heard || event !== 'clientError' ? heard : link?.answerOwn(...args) ?? false;
    },
    writable: true,
    configurable: true,
  });
  methods.define(Server);
  return Server;
}

module.exports = { countingServer };
