'use strict';
// Chooses the servers of this process, at the highest level that it can have (lib/host/level.js).

const { level, lower } = require('./host/level');
const { isVerified } = require('./host/verified');

// Before 'ferrohttp/register' replaces it.
const { Server: HttpServer } = require('http');

/** Makes `https` only when it is asked for, because it loads tls and crypto, which a build of Node may lack. */
function withHttps(http, make) {
  let https;
  return { http, get https() { return (https ??= make()); } };
}

function ofNode() {
  const { countingServer } = require('./node-server');
  const make = (Base) => {
    const Server = countingServer(Base);
    return { Server, createServer: (options, listener) => new Server(options, listener) };
  };
  return withHttps(make(HttpServer), () => make(require('https').Server));
}

function ours() {
  const { Server, createServer } = require('./server');
  const { connectionListener } = require('./connection');
  return withHttps({ Server, createServer, _connectionListener: connectionListener }, () => require('./https'));
}

/** The reason why ferrohttp's parser must not be used, if this Node's parser gives another verdict. */
function disagreement(Server) {
  if (isVerified(process.versions)) return undefined;
  const { firstDifference, shippedCases } = require('./host/check');
  const difference = firstDifference(shippedCases(), HttpServer, Server);
  return difference && `llhttp ${process.versions.llhttp} of this Node decides otherwise (${difference.title})`;
}

function choose() {
  if (level.name === 'node') return ofNode();
  const { probe } = require('./host/probes');
  for (const [name, reason] of probe()) lower(name, reason);
  if (level.name === 'node') return ofNode();
  const servers = ours();
  const reason = level.asked === undefined ? disagreement(servers.http.Server) : undefined;
  if (reason === undefined) return servers;
  lower('node', reason);
  return ofNode();
}

let chosen;

/**
 * The members that replace those of `http` and `https`. Without a binary it throws or, if `withoutBinary` is set,
 * returns Node's own servers.
 */
function implementation({ withoutBinary = false } = {}) {
  if (chosen !== undefined) return chosen;
  try {
    chosen = choose();
  } catch (error) {
    if (!withoutBinary || error.code !== 'ERR_FERROHTTP_NO_BINARY') throw error;
    lower('node', error.message);
    chosen = ofNode();
  }
  return chosen;
}

module.exports = { implementation };
