'use strict';
// Behind nginx or HAProxy: idle connections are kept longer here than there, or a request may meet a
// connection that is just being closed, which clients see as a 502.
//
// nginx:
//
//   upstream app {
//     server 127.0.0.1:8000;
//     keepalive 32;
//     keepalive_timeout 60s;
//   }
//   server {
//     location / {
//       proxy_pass http://app;
//       proxy_http_version 1.1;
//       proxy_set_header Connection "";
//     }
//   }
//
// HAProxy (no `send-proxy`: an HTTP server does not read it, and every request would be refused):
//
//   backend app
//     timeout server 60s
//     http-reuse safe
//     server app 127.0.0.1:8000 pool-purge-delay 60s

const { createServer } = require('ferrohttp');

const server = createServer({ keepAliveTimeout: 65_000, refusals: { log: 'stderr' } }, (req, res) => res.end('hello\n'));

server.listen(process.env.PORT ?? 8000, '127.0.0.1');
