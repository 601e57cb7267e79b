'use strict';

const path = require('node:path');

// PM2: `pm2 start ecosystem.config.js`. Its cluster mode is node:cluster. It ends a process by SIGINT, unless its
// daemon was started with PM2_KILL_SIGNAL.
module.exports = {
  apps: [{
    name: 'application',
    script: path.join(__dirname, 'server.js'),
    exec_mode: 'cluster',
    instances: 'max',
    // More than the server's own 20 s for slow clients.
    kill_timeout: 25_000,
  }],
};
