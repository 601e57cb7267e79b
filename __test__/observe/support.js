'use strict';

// What several tests of refusals do.

const cluster = require('node:cluster');
const { once } = require('node:events');
const ferrohttp = require('../../index.js');

/** A server that listens until the test is over. */
async function start(t, options = {}, listener = undefined) {
  const server = ferrohttp.createServer(options, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return server;
}

/** Prints what `serve` returns, which runs in this process or in a worker of a cluster. */
async function print(serve, inCluster) {
  if (!inCluster) {
    console.log(JSON.stringify(await serve()));
  } else if (cluster.isPrimary) {
    const worker = cluster.fork();
    const [seen] = await once(worker, 'message');
    console.log(JSON.stringify(seen));
    worker.disconnect();
  } else {
    process.send(await serve());
  }
}

module.exports = { print, start };
