'use strict';

// A server that ends as a container should: on SIGTERM, or PM2's SIGINT, it answers what has begun, takes nothing new,
// and exits.

const cluster = require('node:cluster');
const { createServer } = require('ferrohttp');

let ready = true;

const server = createServer((req, res) => {
  // Whether the process lives, and whether it wants requests.
  if (req.url === '/live') return res.end('alive\n');
  if (req.url === '/ready') return res.writeHead(ready ? 200 : 503).end(ready ? 'ready\n' : 'leaving\n');
  return res.end('hello\n');
});

// Longer than the load balancer in front keeps an idle connection, so that it is the one that closes.
server.keepAliveTimeout = 75_000;

server.listen(process.env.PORT ?? 8000, () => console.log(`port ${server.address().port}`));

function leave() {
  ready = false;
  // No new connections; idle ones are closed at once, the others after their response. Then nothing keeps the process.
  server.close();
  // A worker that exited while the primary hands it a connection would lose that: this asks for no more first.
  if (cluster.isWorker) cluster.worker.disconnect();
  // For clients that never finish. Below the time after which the system kills the process.
  setTimeout(() => server.closeAllConnections(), 20_000).unref();
}

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, leave);
