'use strict';
// The servers of this process, at the level that it can have (lib/host/level.js).

const { level, lower } = require('./host/level');

// Before 'ferrohttp/register' replaces it.
const { Server: HttpServer } = require('http');

/** `https` is made when it is asked for: it loads tls and crypto, which a Node may lack. */
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

/** The reason why the host's parser is not ours, if it is not. */
function disagreement(Server) {
  const { isVerified, firstDifference, shippedCases } = require('./host/check');
  if (isVerified(process.versions)) return undefined;
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
 * What `http` and `https` have in the place of members of their own. Without a binary it throws,
 * or, where that is asked for, is Node's own servers.
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
