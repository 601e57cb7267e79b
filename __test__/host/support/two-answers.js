'use strict';

const path = require('node:path');

const ROOT = path.resolve(__dirname, '../../..');

/**
 * A program that serves one good request and one bad one, with the `createServer` of the module that the expression
 * `implementation` gives, and prints what came of them.
 */
exports.program = (implementation = `require(${JSON.stringify(ROOT)})`) => `
  const http = require('http');
  const net = require('net');
  const { createServer } = ${implementation};
  const server = createServer((req, res) => res.end('ok'));
  const answer = (bytes) => new Promise((resolve) => {
    let text = '';
    net.connect(server.address().port, '127.0.0.1', function () { this.write(bytes); })
      .on('data', (data) => { text += data; }).on('close', () => resolve(text.split('\\r\\n')[0]));
  });
  server.listen(0, '127.0.0.1', async () => {
    const answers = [await answer('GET / HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n'), await answer('BAD\\r\\n\\r\\n')];
    const { level } = require(${JSON.stringify(path.join(ROOT, 'lib/host/level'))});
    server.close(() => console.log(JSON.stringify({
      level: level.name, answers, counts: server.clientErrorCounts(), refused: server.refusals().map(({ code }) => code),
      nodes: server instanceof http.Server,
    })));
  });`;

/** What it prints beside the level. */
exports.SERVES = {
  answers: ['HTTP/1.1 200 OK', 'HTTP/1.1 400 Bad Request'],
  counts: { total: 1, HPE_INVALID_METHOD: 1 },
  refused: ['HPE_INVALID_METHOD'],
  nodes: true,
};
