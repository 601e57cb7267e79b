'use strict';
// Everything that the rest of lib/ uses of Node beyond its documentation.
//
//   symbols    the symbols under which Node keeps state of its objects
//   traits     what this release does where releases differ
//   ticks      runs nextTick callbacks and microtasks
//   reads      gets what a libuv handle has read
//   emitters, messages, servers, sockets
//              named functions for what Node keeps on these objects
//   shortcuts  shorter ways around functions of Node, and whether they are open
//
// Nothing else in lib/ looks for symbols, asks for a version or names an internal of Node; eslint.config.js enforces
// that.

// Node's own classes, taken before 'ferrohttp/register' or a program replaces them.
const { Server, ServerResponse, IncomingMessage } = require('http');
const { _errnoException: errnoException } = require('util');
const { symbols, nodeConnectionListener } = require('./symbols');
const { traits } = require('./traits');
const { runTicks } = require('./ticks');
const { divert } = require('./reads');
const shortcuts = require('./shortcuts');

module.exports = {
  Server, ServerResponse, IncomingMessage, symbols, traits, nodeConnectionListener, runTicks, divert,
  errnoException, ...shortcuts,
};
