'use strict';

// node:http with one rule broken, which proves that a comparison can fail. This module is loaded as the implementation
// under test, and FERROHTTP_BROKEN names the rule.

const http = require('node:http');

/** Each takes the arguments of an event before its listeners see them; false withholds the event. */
const RULES = {
  none() {},
  offset(event, err) {
    if (event === 'clientError' && err.code === 'HPE_INVALID_METHOD') err.bytesParsed += 1;
  },
  reason(event, err) {
    if (event === 'clientError' && err.reason) err.reason = err.reason.toLowerCase();
  },
  order(event, err) {
    if (event !== 'clientError' || !err.rawPacket) return;
    const { code } = err;
    delete err.code;
    err.code = code;
  },
  packet(event, err) {
    if (event === 'clientError' && err.rawPacket) err.rawPacket = err.rawPacket.subarray(1);
  },
  repeat(event, err, socket) {
    if (event !== 'clientError') return;
    if (socket.refusedBefore) return false;
    socket.refusedBefore = true;
  },
  method(event, req) {
    if (event === 'request' && req.method === 'POST') req.method = 'PUT';
  },
  reply(event, socket) {
    if (event !== 'connection') return;
    const { write } = socket;
    socket.write = function(chunk, ...rest) {
      return write.call(this, String(chunk).replace('Bad Request', 'Bad request'), ...rest);
    };
  },
  ending(event, socket) {
    if (event === 'connection') socket.destroy = () => socket;
  },
};

function createServerBreaking(rule) {
  return (...args) => {
    const server = http.createServer(...args);
    const { emit } = server;
    server.emit = function(event, ...rest) {
      if (RULES[rule](event, ...rest) === false) return true;
      return emit.call(this, event, ...rest);
    };
    return server;
  };
}

module.exports = {
  RULES,
  createServerBreaking,
  createServer: createServerBreaking(process.env.FERROHTTP_BROKEN ?? 'offset'),
};
