'use strict';

const path = require('node:path');

// PM2: `pm2 start ecosystem.config.js`. Its cluster mode is node:cluster.
module.exports = {
  apps: [{
    name: 'application',
    script: path.join(__dirname, 'server.js'),
    exec_mode: 'cluster',
    instances: 'max',
    // What examples/production/server.js listens for; PM2 sends SIGINT otherwise.
    kill_signal: 'SIGTERM',
    // More than the server's own 20 s for slow clients.
    kill_timeout: 25_000,
  }],
};
