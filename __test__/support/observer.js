'use strict';

// Listens to a server, and writes each event into the lane of its connection.

const {
  describeError, describeRequest, describeSocket, describeTrailers, text,
} = require('./trace.js');

// The modes: which listeners for 'clientError' and 'connection' there are. Each is another path through a server.
const MODES = {
  // No listener by which JavaScript would see a refusal.
  default() {},
  listener(observer) {
    observer.server.on('clientError', observer.clientError);
  },
  watched(observer) {
    observer.server.on('connection', (socket) => observer.watchSocket(socket));
  },
  // The two listeners of the event's documentation, each after one of ours.
  ending(observer) {
    observer.server.on('clientError', observer.clientError);
    observer.server.on('clientError', (err, socket) => {
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
  },
  careful(observer) {
    observer.server.on('clientError', observer.clientError);
    observer.server.on('clientError', (err, socket) => {
      if (err.code === 'ECONNRESET' || !socket.writable) {
        return;
      }

      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
  },
};

// Request handlers that cases name. Each gets (req, res, observer).
const HANDLERS = {
  hello(req, res) {
    res.end('hello');
  },
  // Reads the body, then sends it back.
  echo(req, res, observer) {
    observer.readBody(req, (body) => res.end(body));
  },
  // Reads the body; the case replies with a { reply } step.
  hold(req, res, observer) {
    observer.readBody(req);
    observer.held.push(res);
  },
  // Replies in a turn of its own, and reads nothing.
  later(req, res) {
    setImmediate(() => res.end('later'));
  },
  // Does not read and does not reply.
  ignore() {},
};

class Observer {
  constructor(server, lanes, { handler = 'hello' } = {}) {
    this.server = server;
    this.lanes = lanes;
    this.bySocket = new WeakMap();
    this.watched = new WeakSet();
    this.held = [];
    this.handle = typeof handler === 'function' ? handler : HANDLERS[handler];
    this.onRequest = (req, res) => this.request('request', req, res);
    this.clientError = (err, socket) => {
      this.laneOf(socket).record('clientError', describeError(err), describeSocket(socket));
    };
  }

  laneOf(socket) {
    let lane = this.bySocket.get(socket);
    if (lane === undefined) {
      const port = socket.remotePort;
      lane = this.lanes.find((candidate) => candidate.port === port && port !== undefined);
      // A destroyed socket has forgotten its address, a pipe never had one.
      lane ??= this.lanes.length === 1 ? this.lanes[0] : undefined;
      if (lane === undefined) throw new Error(`No connection with the port ${port}`);
      this.bySocket.set(socket, lane);
    }
    return lane;
  }

  request(event, req, res) {
    const lane = this.laneOf(req.socket);
    const n = lane.requests = (lane.requests ?? 0) + 1;
    lane.record(event, n, describeRequest(req), {
      keepAlive: res.shouldKeepAlive, ownsSocket: res.socket !== null,
    });
    this.watchMessages(lane, n, req, res);
    return this.handle(req, res, this);
  }

  watchMessages(lane, n, req, res) {
    for (const event of ['aborted', 'end', 'close']) {
      req.on(event, () => lane.record(`req ${event}`, n, {
        aborted: req.aborted, complete: req.complete, destroyed: req.destroyed,
      }));
    }
    req.on('error', (err) => lane.record('req error', n, describeError(err)));
    for (const event of ['finish', 'close', 'error']) {
      res.on(event, () => lane.record(`res ${event}`, n, {
        destroyed: res.destroyed, writableEnded: res.writableEnded, headersSent: res.headersSent,
        hasSocket: res.socket !== null,
      }));
    }
  }

  watchSocket(socket) {
    if (this.watched.has(socket)) return;
    this.watched.add(socket);
    const lane = this.laneOf(socket);
    lane.record('connection', describeSocket(socket));
    socket.on('error', (err) => lane.record('socket error', describeError(err)));
    for (const event of ['end', 'timeout', 'finish']) {
      socket.on(event, () => lane.record(`socket ${event}`, describeSocket(socket)));
    }
    socket.on('close', (hadError) => {
      lane.record('socket close', hadError, describeSocket(socket));
    });
  }

  readBody(req, done = () => {}) {
    const lane = this.laneOf(req.socket);
    const chunks = [];
    req.on('data', (chunk) => {
      chunks.push(chunk);
      lane.record('req data', text(chunk));
    });
    req.on('end', () => {
      lane.record('trailers', describeTrailers(req));
      done(Buffer.concat(chunks));
    });
  }
}

module.exports = { HANDLERS, MODES, Observer };
