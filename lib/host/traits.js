'use strict';
// What this release of Node does where releases differ, found by trying it: Node's own listener of
// connections serves a socket that is none, all within this file's load. Nobody is to notice: no
// event reaches a server of the program's, no response is made, which trace events would show, and
// diagnostics channels and Node's own log (NODE_DEBUG=http) are closed meanwhile.

const dc = require('diagnostics_channel');
const { Server } = require('http');
const { Socket } = require('net');
const { Duplex } = require('stream');
const { constants } = require('os');
const { debuglog } = require('util');
const { symbols, connections, nodeConnectionListener } = require('./symbols');
const { withoutTrace } = require('./trial');

const noop = () => {};
const major = Number(process.versions.node.split('.', 1)[0]);
const [uvMajor, uvMinor] = process.versions.uv.split('.', 2).map(Number);

/** A server, and a connection to it, that nobody else knows. */
class Trial {
  constructor(properties) {
    this.responses = [];
    const trial = this;
    function Response() {
      const listeners = {};
      trial.responses.push({
        listeners,
        aborted: false,
        _last: false,
        on(event, listener) { listeners[event] = listener; },
        assignSocket: noop,
        detachSocket: noop,
        emit: noop,
        destroy() { this.aborted = true; },
      });
      return trial.responses.at(-1);
    }
    // With the option, --insecure-http-parser is not asked for, of which Node would warn.
    this.server = new Server({ ServerResponse: Response, insecureHTTPParser: false }, noop);
    this.server[symbols.connections] = connections;
    this.server.emit = (event) => { this.emitted.push(event); };
    this.emitted = [];
    this.timeouts = []; // what setTimeout was called with
    this.socket = new Duplex({ read: noop, write: noop });
    this.socket.pause(); // 'data' listeners would make it flow, some ticks later
    this.socket.setTimeout = (milliseconds) => { this.timeouts.push(milliseconds); };
    Object.assign(this.server, properties);
    nodeConnectionListener.call(this.server, this.socket);
    const { socket } = this;
    this.onData = socket.listeners('data')[0];
    this.onDrain = socket.listeners('drain')[0];
    this.onClose = socket.listeners('close').at(-1);
    this.onError = socket.listeners('error')[0];
  }

  /** Brings a complete request, which is answered by no one. */
  request() {
    const request = {
      httpVersionMajor: 1, httpVersionMinor: 0, headers: {}, complete: true, _consuming: true, destroyed: false,
      error: undefined,
      on: noop,
      destroy(error) { this.error = error; },
    };
    if (symbols.detachAbortSignal !== undefined) request[symbols.detachAbortSignal] = noop;
    request.socket = this.socket;
    this.socket.parser.onIncoming(request, true);
    return request;
  }

  /** Closes the connection; the parser is for others from then on. */
  close() {
    this.socket.removeAllListeners('close'); // which comes once more, later
    this.onClose();
  }

  /** Brings a packet that says nothing to the parser. */
  packet() {
    const { parser } = this.socket;
    parser.execute = () => 0;
    this.onData(Buffer.alloc(0));
    delete parser.execute;
  }
}

/** As `action()`, while the channels have no subscribers and nothing is logged. */
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
    trial.request();
    timeouts.length = 0; // the request may have ended an earlier idle time
    trial.responses.at(-1).listeners.finish();
    return timeouts.at(-1);
  };
  const time = idle(1, 2);
  return {
    // How much longer than `keepAliveTimeout` an idle connection stays open.
    constantBuffer: time === 3 ? undefined : time - 1,
    // Whether a `keepAliveTimeout` that is no finite number means none.
    finiteKeepAlive: idle('1', 2) === undefined,
  };
}

/**
 * What happens to fields beyond `maxHeadersCount`. They make the request one to be refused ('refuse'), or
 * they are dropped where there are more than the binding hands over at once: all that come with a
 * later lot ('drop') or each ('truncate').
 */
function manyFields() {
  const trial = new Trial({ maxHeadersCount: 1 });
  let fields;
  trial.server.emit = (event, request) => {
    if (event === 'request') fields = request.rawHeaders.length / 2;
  };
  trial.onData(Buffer.from(`GET / HTTP/1.0\r\n${'a: b\r\n'.repeat(40)}\r\n`));
  trial.close();
  if (fields === undefined) return 'refuse';
  return fields === 1 ? 'truncate' : 'drop';
}

/** Whether an accepted upgrade takes effect at once; otherwise the request's body is parsed first. */
function upgradeSkipsBody({ socket }) {
  return socket.parser.onIncoming({ upgrade: true, method: 'CONNECT' }, true) === 2;
}

/** Whether any packet, and not only a complete head, ends the idle time of a connection. */
function packetEndsIdleTime(trial) {
  trial.timeouts.length = 0;
  trial.packet();
  return trial.timeouts.length > 0;
}

/** Whether a response gets 'drain' only once it has nothing pending anywhere. */
function drainMeansEmpty({ socket, onDrain }) {
  let drained = false;
  socket._httpMessage = { finished: false, [symbols.needDrain]: true, writableLength: 1, emit() { drained = true; } };
  onDrain();
  socket._httpMessage = null;
  return !drained;
}

/** Whether 'upgrade' is emitted where its last listener went away after the head was accepted. */
function upgradesUnheard(trial) {
  const { socket, emitted } = trial;
  socket.destroy = noop;
  emitted.length = 0;
  socket.parser.incoming = { upgrade: true, complete: true, method: 'GET' };
  trial.packet();
  return emitted.includes('upgrade');
}

/** Whether a write that is pending when its socket is destroyed is told an error. */
function cancelsWrites() {
  let request;
  const write = (given) => {
    request = given ?? {};
    return given === null ? request : 0; // later releases take the request from the handle
  };
  const socket = new Socket({ handle: { close: noop, writeLatin1String: write }, manualStart: true });
  socket.on('error', noop);
  socket.write('x', 'latin1');
  socket._handle = null; // to close one, Node looks at process.stderr, which would be made for that
  socket.destroy();
  let told = null;
  request.callback = (error) => { told = error; };
  request.oncomplete(-constants.errno.ECANCELED);
  return told !== null;
}

function abortsOf(trial) {
  const { socket, responses } = trial;
  const request = trial.request();
  socket._httpMessage = responses.at(-1);
  trial.request(); // its response has to wait
  trial.close();
  return {
    // The class of the error that aborts a request, which Node keeps to itself.
    abortedPrototype: Object.getPrototypeOf(request.error),
    // Whether responses that wait for the socket are destroyed with it.
    abortsWaitingResponses: responses.at(-1).aborted,
  };
}

const traits = withoutTrace(() => unobserved(() => {
  const trial = new Trial();
  const found = {
    major,
    // Whether a hang-up that libuv sees together with bytes is FIN behind them. Others read on, and find
    // the error.
    hangUpEnds: uvMajor === 1 && uvMinor < 52,
    // Whether `maxConnections` 0 means no limit. Seen only once a server listens.
    zeroConnectionsMeansAny: major < 21,
    // Whether connections that have never sent a byte count as idle.
    idleIncludesSilent: connections.idle().length > 0,
    cancelsWrites: cancelsWrites(),
    // Whether a second error of a socket gives a warning.
    warnsOfSecondError: Function.prototype.toString.call(trial.onError).includes('warnUnclosedSocket'),
    ...idleTimeouts(trial),
    packetEndsIdleTime: packetEndsIdleTime(trial),
    drainMeansEmpty: drainMeansEmpty(trial),
    ...abortsOf(trial),
  };
  found.manyFields = manyFields();
  const upgrade = new Trial();
  found.upgradeSkipsBody = upgradeSkipsBody(upgrade);
  found.upgradesUnheard = upgradesUnheard(upgrade);
  return found;
}));

module.exports = { traits };
