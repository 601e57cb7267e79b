'use strict';
// Emits events on servers of a module, and prints what `emit` returns or throws.

const { createServer } = require(process.argv[2]);

const EVENTS = {
  'a request of another kind': ['request', { url: '/' }, { end() {} }],
  'a request without anything': ['request'],
  'a connection without anything': ['connection'],
  'an error without a socket': ['clientError', new Error('x')],
  'no error, and no socket': ['clientError', null, 5],
  'an error, and something else': ['clientError', new Error('x'), {}],
};

for (const listens of [false, true]) {
  for (const [name, event] of Object.entries(EVENTS)) {
    const server = createServer(() => {});
    server.removeAllListeners('connection');
    if (listens) server.on('clientError', () => {});
    let result;
    try {
      result = server.emit(...event);
    } catch (error) {
      result = `${error.name} ${error.code}`;
    }
    console.log(name, listens, result);
  }
}
