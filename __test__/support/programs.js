'use strict';

// Small servers that run as processes of their own: node programs.js <program> <implementation>. Each prints its port
// ('port N'), and then one line for each thing that it sees.

const { createHook } = require('node:async_hooks');
const fs = require('node:fs');
const http = require('node:http');
const { spawn } = require('node:child_process');

const [, , program, specifier, flag] = process.argv;
// Writes at once, unlike console.log to a pipe on some systems.
const say = (text) => fs.writeSync(1, `${text}\n`);

const STEPS = 20;

/**
 * Calls back only if something else keeps the process alive so long. It takes turns of the event loop, too: a process
 * that is slow, and ends in one of its next turns, was not kept alive.
 */
function later(ms, then, steps = STEPS) {
  setTimeout(() => (steps === 1 ? then() : later(ms, then, steps - 1)), ms / STEPS).unref();
}

// The flag is a file that the client makes when it has received something.
function flagSeen() {
  const deadline = Date.now() + 5000;
  while (Date.now() < deadline) if (fs.existsSync(flag)) return true;
  return false;
}

function create(listener, options = {}) {
  return require(specifier).createServer(options, listener);
}

function listening(server, then = () => {}) {
  server.listen({ port: 0, host: '127.0.0.1' }, () => {
    say(`port ${server.address().port}`);
    then();
  });
  return server;
}

const serve = (listener, options) => listening(create(listener, options));

/** A server that closes after its first request was aborted. */
function abortFirst() {
  const server = serve((req) => {
    req.on('error', (err) => {
      say(`${err.message} ${err.code} ${err.constructor.name}`);
      server.close();
    });
    req.socket.destroy();
  });
  return server;
}

const PROGRAMS = {
  // Written bytes leave although the turn does not end.
  'exit after end': () => serve((req, res) => {
    res.end('bye');
    process.exit(3);
  }),
  'exit after 10,000 bytes': () => serve((req, res) => {
    res.end('x'.repeat(10_000));
    process.exit(0);
  }),
  'exit after a pipelined pair': () => serve((req, res) => {
    res.end(req.url);
    if (req.url === '/last') process.exit(0);
  }),
  'exit on the next tick after a write': () => serve((req, res) => {
    res.write('begun');
    process.nextTick(() => process.exit(0));
  }),
  'throw after end': () => serve((req, res) => {
    res.end('bye');
    throw new Error('thrown');
  }),
  'throw before end': () => serve(() => {
    throw new Error('thrown');
  }),
  'reject after end': () => serve(async (req, res) => {
    res.end('bye');
    await null;
    throw new Error('rejected');
  }),
  'kill after end': () => serve((req, res) => {
    res.end('bye');
    process.kill(process.pid, 'SIGKILL');
  }),
  'compute after end': () => serve((req, res) => {
    res.end('early');
    say(`seen ${flagSeen()}`);
    process.exit(0);
  }),
  'compute after a write and a tick': () => serve((req, res) => {
    res.write('early');
    setImmediate(() => {
      say(`seen ${flagSeen()}`);
      process.exit(0);
    });
  }),
  'compute after flushHeaders': () => serve((req, res) => {
    res.flushHeaders();
    setImmediate(() => {
      say(`seen ${flagSeen()}`);
      process.exit(0);
    });
  }),
  'compute after a refusal in a listener': () => {
    serve().on('clientError', (err, socket) => {
      socket.end('HTTP/1.1 400 early\r\n\r\n');
      say(`seen ${flagSeen()}`);
      process.exit(0);
    });
  },
  'exit in the clientError listener': () => {
    serve().on('clientError', (err, socket) => {
      say(err.code);
      socket.end('HTTP/1.1 400 bye\r\n\r\n');
      process.exit(0);
    });
  },

  // After an exception, the rest of the packet is not lost.
  'an exception among pipelined requests': () => {
    const server = serve((req, res) => {
      say(`request ${req.url}`);
      if (req.url === '/throw') throw new Error(req.url);
      res.end(req.url);
      if (req.url === '/last') later(50, () => process.exit(0));
    });
    process.on('uncaughtException', (err) => {
      say(`uncaught ${err.message}`);
      server.closeAllConnections();
      server.close();
    });
  },
  'an exception in the clientError listener': () => {
    const server = serve();
    server.on('clientError', (err, socket) => {
      socket.end('refused');
      server.close();
      throw new Error(err.code);
    });
    process.on('uncaughtException', (err) => say(`uncaught ${err.message}`));
  },
  'an exception in a body': () => {
    const server = serve((req, res) => {
      req.on('data', (chunk) => {
        say(`data ${chunk}`);
        throw new Error('in data');
      });
      req.on('end', () => {
        say('end');
        res.end('done');
      });
    });
    process.on('uncaughtException', (err) => {
      say(`uncaught ${err.message}`);
      setImmediate(() => {
        server.closeAllConnections();
        server.close();
      });
    });
  },

  // The first request of a process that is aborted leaves nothing behind.
  'an aborted request with async hooks': () => {
    const entered = new Map();
    const count = (by) => (id) => entered.set(id, (entered.get(id) ?? 0) + by);
    createHook({ before: count(1), after: count(-1) }).enable();
    abortFirst();
    process.on('exit', () => say(`not left ${[...entered.values()].filter((n) => n !== 0).length}`));
  },
  'an aborted request in a domain': () => {
    const domain = require('node:domain').create();
    domain.run(abortFirst);
    process.on('beforeExit', () => say(process.domain ? 'still in the domain' : 'in no domain'));
  },
  'an aborted request and a wrapped emit': () => {
    const server = abortFirst();
    const { emit } = http.Server.prototype;
    http.Server.prototype.emit = function (event) {
      say(`${this === server ? 'the' : 'another'} server: ${event}`);
      return Reflect.apply(emit, this, arguments);
    };
  },

  // What keeps the process alive, and what does not.
  'nothing but the module': () => {
    require(specifier);
  },
  'a server that does not listen': () => {
    create();
  },
  'a listening server': () => {
    const server = serve();
    later(50, () => {
      say('alive');
      server.close();
    });
  },
  'an unref\'d server': () => {
    serve().unref();
    later(2000, () => say('alive'));
  },
  'a server unref\'d in its callback': () => {
    const server = create();
    listening(server, () => server.unref());
    later(2000, () => say('alive'));
  },
  'a server that is ref\'d again': () => {
    const server = serve();
    server.unref().ref();
    later(50, () => {
      say('alive');
      server.close();
    });
  },
  'a server closed at once': () => {
    const server = create();
    listening(server, () => server.close(() => say('closed')));
    later(2000, () => say('alive'));
  },
  'a server that could not listen': () => {
    const holder = serve();
    holder.on('listening', () => {
      create().on('error', (err) => {
        say(err.code);
        holder.close();
      }).listen(holder.address().port, '127.0.0.1');
    });
    later(2000, () => say('alive'));
  },
  'an idle connection after close': () => {
    const server = serve((req, res) => {
      res.end('x', () => setImmediate(() => server.close(() => say('closed'))));
    });
  },
  'a pending reply after close': () => {
    const server = serve((req, res) => {
      server.close(() => say('closed'));
      later(50, () => {
        say('alive');
        res.setHeader('Connection', 'close');
        res.end('x');
      });
    });
  },
  'a connection of an unref\'d server': () => {
    const server = serve((req, res) => {
      server.unref();
      later(50, () => {
        say('alive');
        res.setHeader('Connection', 'close');
        res.end('x');
      });
    });
  },
  'a silent connection of an unref\'d server': () => {
    const server = serve();
    server.on('connection', () => {
      server.unref();
      later(50, () => {
        say('alive');
        server.closeAllConnections();
      });
    });
  },
  'an unref\'d connection of an unref\'d server': () => {
    const server = serve((req) => {
      server.unref();
      req.socket.unref();
      later(2000, () => say('alive'));
    });
  },
  'a refused connection that a listener keeps': () => {
    const server = serve();
    server.on('clientError', (err, socket) => {
      server.close(() => say('closed'));
      later(50, () => {
        say('alive');
        socket.destroy();
      });
    });
  },
  'an upgraded connection after close': () => {
    const server = serve();
    server.on('upgrade', (req, socket) => {
      server.close(() => say('closed'));
      later(50, () => {
        say('alive');
        socket.end('bye');
      });
    });
  },

  // The command line.
  'limits of the command line': () => {
    const server = serve((req, res) => {
      say(`request ${req.url}`);
      res.end(String(http.maxHeaderSize), () => server.close());
    });
    process.on('warning', ({ message }) => say(`warning ${message}`));
    server.on('clientError', (err, socket) => {
      say(err.code);
      socket.destroy();
      server.close();
    });
  },

  // Descriptors.
  'a descriptor from its parent': () => {
    const server = create((req, res) => res.end(req.url, () => server.close()));
    server.listen({ fd: 3 }, () => say(`listening ${server.address().address}`));
  },
  'a child of its own': () => {
    const server = serve((req) => {
      const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
        stdio: ['pipe', 'ignore', 'inherit'],
      });
      child.on('spawn', () => {
        req.socket.on('close', () => say('connection closed'));
        req.socket.destroy();
        server.close();
      });
      // The client has seen the end of its connection while the child was there.
      const watch = setInterval(() => {
        if (!fs.existsSync(flag)) return;
        clearInterval(watch);
        const again = create().on('error', (err) => say(err.code));
        again.listen(server.portBefore, '127.0.0.1', () => {
          say('the port is free');
          again.close();
          child.stdin.end();
        });
      }, 5);
    });
    server.on('listening', () => {
      server.portBefore = server.address().port;
    });
  },
};

// After close(), some of the remaining connections keep the process alive and some do not. As with libuv, those that
// read or have something to send keep it alive. A process that stays alive prints that.
const TAKEN = {
  'a request': (taken) => serve(({ socket }) => taken(socket)),
  'a data listener': (taken) => serve(({ socket }) => taken(socket.on('data', () => {}))),
  'an upgrade': (taken) => serve().on('upgrade', (req, socket) => taken(socket)),
  'a CONNECT': (taken) => serve().on('connect', (req, socket) => taken(socket)),
};
const LEFT = {
  alone: (_socket) => {},
  resumed: (socket) => socket.resume(),
  paused: (socket) => socket.resume().pause(),
  'paused and resumed': (socket) => socket.pause().resume(),
  'unref\'d': (socket) => socket.resume().unref(),
  'ref\'d again': (socket) => socket.resume().unref().ref(),
  'unref\'d with output': (socket) => {
    socket.resume().write(Buffer.alloc(16 << 20));
    socket.unref();
  },
  'paused with output': (socket) => {
    socket.write(Buffer.alloc(16 << 20));
    socket.pause();
  },
  'unref\'d and destroyed': (socket) => socket.on('close', () => say('closed')).unref().destroy(),
  'with FIN sent': (socket) => socket.resume().end('bye'),
  'with FIN sent and unref\'d': (socket) => socket.resume().unref().end('bye', () => say('sent')),
  'with FIN read': (socket, left) => socket.on('end', left).resume(),
};
const LEAVING = {};
for (const [by, take] of Object.entries(TAKEN)) {
  for (const [state, leave] of Object.entries(LEFT)) {
    LEAVING[`${by} left ${state}`] = () => {
      const server = take((socket) => {
        const left = () => {
          server.close(() => say('closed'));
          later(400, () => {
            say('alive');
            process.exit();
          });
        };
        leave(socket, left);
        if (leave.length === 1) left();
      });
      // This keeps FIN alone from ending the connection.
      server.httpAllowHalfOpen = true;
    };
  }
}
Object.assign(LEAVING, {
  'an upload that nobody reads': () => {
    const server = serve(() => {
      // The stream is full by then, and reading has stopped.
      setTimeout(() => {
        server.close(() => say('closed'));
        later(400, () => {
          say('alive');
          process.exit();
        });
      }, 100);
    });
  },
  'an upload that is read after close': () => {
    const server = serve((req, res) => setTimeout(() => {
      server.close(() => say('closed'));
      let length = 0;
      req.on('data', (chunk) => { length += chunk.length; }).on('end', () => {
        say(`read ${length}`);
        res.shouldKeepAlive = false;
        res.end('read');
      });
    }, 100));
  },
});

module.exports = { LEAVING, PROGRAMS };

if (require.main === module) (PROGRAMS[program] ?? LEAVING[program])();
