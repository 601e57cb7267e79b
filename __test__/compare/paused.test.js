'use strict';

// pause() and resume() of a socket, in the handlers of the events in which a program has it.

const { compare } = require('../support/harness.js');

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n';
const BAD = 'BAD\r\n\r\n';

/** The socket of an event's arguments. */
const EVENTS = {
  connection: (socket) => socket,
  request: (req) => req.socket,
  clientError: (err, socket) => socket,
};

const ACTS = {
  'pauses': (socket) => socket.pause(),
  'resumes': (socket) => socket.resume(),
  'pauses and resumes': (socket) => socket.pause().resume(),
  'resumes and pauses': (socket) => socket.resume().pause(),
  'pauses, and resumes in a tick': (socket) => {
    socket.pause();
    process.nextTick(() => socket.resume());
  },
  'pauses, and resumes in an immediate': (socket) => {
    socket.pause();
    setImmediate(() => socket.resume());
  },
};

const INPUTS = {
  'a request': [GET],
  'two requests in one packet': [GET + GET],
  'two requests in two packets': [GET, GET],
  'a body behind its head': [POST, 'abc'],
  'a body with its head, and a request': [`${POST}abc`, GET],
  'what is refused': [BAD],
  'a request, then what is refused': [GET, BAD],
};

for (const [event, socketOf] of Object.entries(EVENTS)) {
  compare(`a listener of '${event}'`, Object.entries(ACTS).flatMap(([act, run]) =>
    Object.entries(INPUTS).map(([input, packets]) => ({
      name: `${act}: ${input}`,
      modes: ['watched'],
      setup: (server) => server.on(event, (...args) => run(socketOf(...args))),
      packets,
    }))));
}
