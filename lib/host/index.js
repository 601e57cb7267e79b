'use strict';
// The host contract: all that the rest of lib/ takes from Node beyond its documented interface.
//
//   symbols    under which Node keeps state of its objects
//   traits     what this release does where releases differ
//   ticks      how nextTick callbacks and microtasks are run
//   reads      what a libuv handle has read
//   emitters, messages, servers, sockets
//              what Node keeps on these objects, by named functions
//   shortcuts  ways around functions of Node, and whether they are open
//
// Nothing else in lib/ looks for symbols, asks for a version or names an internal of Node; eslint.config.js sees to it.

// The originals, taken before 'ferrohttp/register' or anyone else replaces them.
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
