'use strict';

// Is loaded before a program that listens on port 0, and tells the parent process the port.

const net = require('node:net');

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (...args) {
  this.once('listening', () => process.send(this.address().port));
  return Reflect.apply(listen, this, args);
};
