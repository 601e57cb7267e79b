'use strict';
// Finds out what this release of Node does where releases differ. While this file is loaded, Node's own connection
// listener serves a stream that is no socket. The program must not notice that: no event reaches its servers, no
// response is made (trace events would show it), and diagnostics channels and Node's log (NODE_DEBUG=http) are off
// meanwhile.

const dc = require('diagnostics_channel');
const { IncomingMessage, Server } = require('http');
const { Socket } = require('net');
const { Duplex } = require('stream');
const { debuglog } = require('util');
const { symbols, connections, nodeConnectionListener } = require('./symbols');
const { withoutTrace } = require('./trial');

const noop = () => {};
const major = Number(process.versions.node.split('.', 1)[0]);
const [uvMajor, uvMinor] = process.versions.uv.split('.', 2).map(Number);

/** A server and a connection to it that the program does not see. */
class Trial {
  constructor(properties) {
    this.responses = [];
    const trial = this;
    function Response(req) {
      const listeners = {};
      trial.responses.push({
        req,
        listeners,
        aborted: false,
        _last: false,
        on(event, listener) { listeners[event] = () => Reflect.apply(listener, this, []); },
        assignSocket: noop,
        detachSocket: noop,
        emit: noop,
        destroy() { this.aborted = true; },
      });
      return trial.responses.at(-1);
    }
    // With this option Node does not look at --insecure-http-parser, and so does not warn.
    this.server = new Server({ ServerResponse: Response, insecureHTTPParser: false, requireHostHeader: false }, noop);
    this.server[symbols.connections] = connections;
    this.emitted = [];
    this.server.emit = (event) => {
      this.emitted.push(event);
      return true; // so that a refusal is left to the listener
    };
    this.timeouts = []; // the arguments of setTimeout
    this.socket = new Duplex({ read: noop, write: noop });
    this.socket.pause(); // otherwise a 'data' listener would make it flow some ticks later
    this.socket.setTimeout = (milliseconds) => { this.timeouts.push(milliseconds); };
    Object.assign(this.server, properties);
    nodeConnectionListener.call(this.server, this.socket);
    const { socket } = this;
    this.onData = socket.listeners('data')[0];
    this.onDrain = socket.listeners('drain')[0];
    this.onClose = socket.listeners('close').at(-1);
    this.onError = socket.listeners('error')[0];
  }

  /** Gives the connection a complete request of HTTP/1.x, which nobody answers. */
  request(httpVersionMinor) {
    const request = {
      httpVersionMajor: 1, httpVersionMinor, rawHeaders: [], complete: true, _consuming: true, destroyed: false,
      get headers() {
        this.headersAsked = true;
        return {};
      },
      headersAsked: false,
      error: undefined,
      on: noop,
      destroy(error) { this.error = error; },
    };
    if (symbols.detachAbortSignal !== undefined) request[symbols.detachAbortSignal] = noop;
    request.socket = this.socket;
    this.socket.parser.onIncoming(request, true);
    return request;
  }

  /** Closes the connection. Node may then use the parser for another one. */
  close() {
    this.socket.removeAllListeners('close'); // the event itself comes later
    this.onClose();
  }

  /** Gives the connection a packet that the parser does not see. */
  packet() {
    const { parser } = this.socket;
    parser.execute = () => 0;
    this.onData(Buffer.alloc(0));
    delete parser.execute;
  }
}

/**
 * Keeps an emitter quiet that Node ends in a later tick, when the program may watch the functions of Node.
 */
function silence(emitter) {
  emitter.emit = () => false;
  emitter.listenerCount = () => 0;
}

/** Calls `action` while the channels have no subscribers and nothing is logged. */
function unobserved(action) {
  const closed = [];
  for (const name of ['http.server.request.start', 'http.server.response.created', 'http.server.response.finish']) {
    const channel = dc.channel(name);
    if (!channel.hasSubscribers) continue;
    closed.push([channel, Object.getPrototypeOf(channel)]);
    Object.setPrototypeOf(channel, dc.Channel.prototype);
  }
  const logged = debuglog('http').enabled;
  const write = logged && Object.getOwnPropertyDescriptor(process.stderr, 'write');
  if (logged) Object.defineProperty(process.stderr, 'write', { value: noop, configurable: true });
  try {
    return action();
  } finally {
    if (logged) {
      delete process.stderr.write;
      if (write) Object.defineProperty(process.stderr, 'write', write);
    }
    for (const [channel, prototype] of closed) Object.setPrototypeOf(channel, prototype);
  }
}

function idleTimeouts(trial) {
  const { server, timeouts } = trial;
  const idle = (keepAliveTimeout, keepAliveTimeoutBuffer) => {
    server.keepAliveTimeout = keepAliveTimeout;
    server.keepAliveTimeoutBuffer = keepAliveTimeoutBuffer;
    trial.request(0);
    timeouts.length = 0; // the request may have ended an earlier idle time
    trial.responses.at(-1).listeners.finish();
    return timeouts.at(-1);
  };
  const time = idle(1, 2);
  return {
    // By how many ms an idle connection outlives `keepAliveTimeout`; undefined if `keepAliveTimeoutBuffer` says so.
    constantBuffer: time === 3 ? undefined : time - 1,
    // Whether a `keepAliveTimeout` that is no finite number means none.
    finiteKeepAlive: idle('1', 2) === undefined,
  };
}

/**
 * What happens to fields beyond `maxHeadersCount`. 'refuse': the request is refused. Otherwise they are dropped if
 * there are more fields than the binding hands over at once: 'truncate' drops each of them, 'drop' only those that come
 * with a later lot.
 */
function manyFields() {
  const trial = new Trial({ maxHeadersCount: 1 });
  let fields;
  trial.server.emit = (event, request) => {
    if (event !== 'request') return true;
    fields = request.rawHeaders.length / 2;
    silence(request);
    return true;
  };
  trial.onData(Buffer.from(`GET / HTTP/1.0\r\n${'a: b\r\n'.repeat(40)}\r\n`));
  trial.close();
  if (fields === undefined) return 'refuse';
  return fields === 1 ? 'truncate' : 'drop';
}

/** Whether `headers` of a request is made when the program asks for it, and not before 'request'. */
function makesHeadersLate(trial) {
  return !trial.request(1).headersAsked;
}

/** Whether an accepted upgrade takes effect at once. Otherwise the body of the request is parsed first. */
function upgradeSkipsBody({ socket }) {
  return socket.parser.onIncoming({ upgrade: true, method: 'CONNECT' }, true) === 2;
}

/** Whether any packet ends the idle time of a connection, and not only a complete head. */
function packetEndsIdleTime(trial) {
  trial.timeouts.length = 0;
  trial.packet();
  return trial.timeouts.length > 0;
}

/** Whether a response gets 'drain' only when it has nothing pending anywhere. */
function drainMeansEmpty({ socket, onDrain }) {
  let drained = false;
  socket._httpMessage = { finished: false, [symbols.needDrain]: true, writableLength: 1, emit() { drained = true; } };
  onDrain();
  socket._httpMessage = null;
  return !drained;
}

/** Whether 'upgrade' is emitted if its last listener was removed after the head was accepted. */
function upgradesUnheard(trial) {
  const { socket, emitted } = trial;
  socket.destroy = noop;
  emitted.length = 0;
  socket.parser.incoming = { upgrade: true, complete: true, method: 'GET' };
  trial.packet();
  return emitted.includes('upgrade');
}

/** Whether the callback of a pending write gets an error when the socket is destroyed. */
function cancelsWrites() {
  let request;
  const write = (given) => {
    request = given ?? {};
    return given === null ? request : 0; // in later releases the handle returns the request
  };
  const socket = new Socket({ handle: { writeLatin1String: write }, manualStart: true });
  silence(socket);
  socket.write('x', 'latin1');
  // Node either looks at the status first, or does not look at it if the socket was destroyed.
  let looked = false;
  const status = { valueOf() { looked = true; return 0; } };
  request.oncomplete.call({ handle: { [symbols.owner]: { destroyed: true } } }, status);
  return looked;
}

function abortsOf(trial) {
  const { socket, responses } = trial;
  const request = trial.request(0);
  socket._httpMessage = responses.at(-1);
  trial.request(0); // its response has to wait
  trial.close();
  return {
    // The class of the error that aborts a request. Node does not export it.
    abortedPrototype: Object.getPrototypeOf(request.error),
    // Whether responses that wait for the socket are destroyed with the socket.
    abortsWaitingResponses: responses.at(-1).aborted,
  };
}

/** Whether a request that ends asks in a later tick how many listeners of 'error' it has. */
function asksForErrorListeners() {
  let asks = true;
  const request = { readableEnded: true, complete: true, listenerCount: () => 0 };
  IncomingMessage.prototype._destroy.call(request, null, () => { asks = false; });
  return asks;
}

const traits = withoutTrace(() => unobserved(() => {
  const trial = new Trial();
  const found = {
    major,
    // Whether libuv takes a hang-up that comes together with bytes for FIN behind them. Other versions read on, and
    // find the error.
    hangUpEnds: uvMajor === 1 && uvMinor < 52,
    // Whether `maxConnections` 0 means no limit. It cannot be tried here, because only a server that listens shows it.
    zeroConnectionsMeansAny: major < 21,
    // Whether connections that have never sent a byte count as idle.
    idleIncludesSilent: connections.idle().length > 0,
    cancelsWrites: cancelsWrites(),
    asksForErrorListeners: asksForErrorListeners(),
    // Whether a second error of a socket causes a warning.
    warnsOfSecondError: Function.prototype.toString.call(trial.onError).includes('warnUnclosedSocket'),
    ...idleTimeouts(trial),
    packetEndsIdleTime: packetEndsIdleTime(trial),
    drainMeansEmpty: drainMeansEmpty(trial),
    ...abortsOf(trial),
  };
  found.manyFields = manyFields();
  const upgrade = new Trial();
  found.makesHeadersLate = makesHeadersLate(upgrade);
  found.upgradeSkipsBody = upgradeSkipsBody(upgrade);
  found.upgradesUnheard = upgradesUnheard(upgrade);
  return found;
}));

module.exports = { traits };
