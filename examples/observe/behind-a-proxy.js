'use strict';
// A server behind nginx or HAProxy. It keeps idle connections longer than they do. Otherwise a request might come on a
// connection that the server is closing, and the client would get 502.
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
// HAProxy (without `send-proxy`, because an HTTP server does not read that and would refuse every request):
//
//   backend app
//     timeout server 60s
//     http-reuse safe
//     server app 127.0.0.1:8000 pool-purge-delay 60s

const { createServer } = require('ferrohttp');

const server = createServer({ keepAliveTimeout: 65_000, refusals: { log: 'stderr' } }, (req, res) => res.end('hello\n'));

server.listen(process.env.PORT ?? 8000, '127.0.0.1');
