'use strict';

// Loaded before a program that listens on port 0: tells the parent process which port that became.

const net = require('node:net');

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (...args) {
  this.once('listening', () => process.send(this.address().port));
  return Reflect.apply(listen, this, args);
};
