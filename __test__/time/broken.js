'use strict';

// node:http with one thing broken, which proves that the comparison in time can fail. It is loaded as the implementation
// under test, and FERROHTTP_BROKEN names what is broken.

const http = require('node:http');

const LARGE = 300_000;
const A_WHILE_MS = 3500;

/** Each function gets the server, and spoils something of it. */
const FAULTS = {
  none() {},
  // FIN is not seen after the first request.
  'lost FIN'(server) {
    server.prependListener('request', ({ socket }) => {
      const { push } = socket;
      socket.push = (chunk, ...rest) => (chunk === null ? true : push.call(socket, chunk, ...rest));
    });
  },
  // A reset is ignored.
  'lost RST'(server) {
    server.prependListener('connection', (socket) => {
      const { destroy } = socket;
      socket.destroy = (err) => (err?.code === 'ECONNRESET' ? socket : destroy.call(socket, err));
    });
  },
  // What the client does not read at once is lost.
  'cut response'(server) {
    server.prependListener('request', (req, res) => res.once('prefinish', () => {
      setTimeout(() => req.socket.writableLength > LARGE && req.socket.destroy(), 1);
    }));
  },
  // 'finish' comes before the bytes leave.
  'early finish'(server) {
    server.prependListener('request', (req, res) => res.once('prefinish', () => setImmediate(() => {
      if (res.writableFinished) return;
      const { emit } = res;
      emit.call(res, 'finish');
      res.emit = (event, ...args) => event !== 'finish' && emit.call(res, event, ...args);
    })));
  },
  // 'drain' comes one turn late.
  'late drain'(server) {
    server.prependListener('request', (req, res) => {
      const { emit } = res;
      res.emit = (event, ...args) => {
        if (event !== 'drain') return emit.call(res, event, ...args);
        setImmediate(() => emit.call(res, event, ...args));
        return true;
      };
    });
  },
  // A connection is forgotten, and stays open.
  'left open'(server) {
    server.prependListener('connection', (socket) => {
      if (socket.remotePort % 16 === 0) socket.destroy = () => socket;
    });
  },
  // The other clients wait while one is served.
  'starved clients'(server) {
    let first;
    const { emit } = server;
    server.emit = function(event, req, ...rest) {
      if (event === 'request' && req.socket !== (first ??= req.socket)) {
        setTimeout(() => emit.call(this, event, req, ...rest), A_WHILE_MS);
        return true;
      }
      return emit.call(this, event, req, ...rest);
    };
  },
  // Pending output is copied.
  'copied output'(server) {
    server.prependListener('request', (req, res) => {
      for (const name of ['write', 'end']) {
        const method = res[name];
        res[name] = (chunk, ...rest) => {
          if (Buffer.isBuffer(chunk)) req.socket.copies = [...(req.socket.copies ?? []), Buffer.from(chunk)];
          return method.call(res, chunk, ...rest);
        };
      }
    });
  },
};

function createServer(...args) {
  const server = http.createServer(...args);
  FAULTS[process.env.FERROHTTP_BROKEN ?? 'none'](server);
  return server;
}

module.exports = { FAULTS, createServer };
