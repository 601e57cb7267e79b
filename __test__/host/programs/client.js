'use strict';
// The common part of the programs in this folder.

const net = require('node:net');

/** The implementation that the command line names. */
const http = require(process.argv[2]);

/** The server's answer to bytes, once it has closed the connection. */
function ask(server, bytes) {
  return new Promise((resolve) => {
    let text = '';
    net.connect(server.address().port, '127.0.0.1', function () { this.write(bytes); })
      .on('data', (data) => { text += data.latin1Slice(); })
      .on('error', (error) => { text += error.code; })
      .on('close', () => resolve(text.replace(/Date: [^\r]*/g, 'Date: ...')));
  });
}

const get = (target, ...lines) => [`GET ${target} HTTP/1.1`, 'Host: a', ...lines, 'Connection: close', '', ''].join('\r\n');

/** Sends one request after the other, prints the responses, and closes. */
function talk(server, ...requests) {
  server.listen(0, '127.0.0.1', async () => {
    for (const bytes of requests) console.log(JSON.stringify(await ask(server, bytes)));
    server.close(() => console.log('done'));
  });
}

module.exports = { http, ask, get, talk };
