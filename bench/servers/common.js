'use strict';

// The common part of all benchmark servers. BENCH_HTTP names the implementation. A server prints its port as one line
// of JSON, takes commands from its standard input, and exits when that ends.

const path = require('node:path');
const readline = require('node:readline');

const implementations = {
  'node:http': () => require('node:http'),
  ferrohttp: () => require(path.join(__dirname, '..', '..')),
  other: () => require(path.resolve(process.env.BENCH_OTHER)),
};

const name = process.env.BENCH_HTTP || 'node:http';
if (!implementations[name]) throw new Error(`unknown implementation '${name}'`);

exports.http = implementations[name]();
exports.createServer = (...args) => exports.http.createServer(...args);

const commands = {
  // Collects garbage before RSS is read. It does so twice, because of weak references.
  gc() {
    global.gc();
    global.gc();
    return process.memoryUsage();
  },
  counts(server) {
    return server.clientErrorCounts ? server.clientErrorCounts() : null;
  },
};

exports.attend = function attend(server) {
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => say({ [line]: commands[line](server) }));
  lines.on('close', () => process.exit());
  say({ port: server.address().port });
};

exports.serve = function serve(server) {
  server.listen(0, '127.0.0.1', () => exports.attend(server));
};
