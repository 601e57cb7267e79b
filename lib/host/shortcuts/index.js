'use strict';
// Shortcuts: shorter ways around functions of Node. Each names every function that it leaves out. A shortcut is open if
// the text of each of these functions is the one that this release of Node has (known.json). So a changed Node closes
// it, and so does a program that wrapped a function before ferrohttp was loaded. If a program wraps one later, the
// `...Plain` functions see that at the next call. A closed shortcut makes ferrohttp slower; the others stay open.

const { EventEmitter } = require('events');
const { ServerResponse, IncomingMessage } = require('http');
const net = require('net');
const { Duplex, Readable } = require('stream');
const { newest, texts } = require('../known.json');
const { isAtLeast } = require('../level');
const { find, fingerprint } = require('../texts');

const LEAVES_OUT = {
  // makes req.headers from those of an earlier request (headers.js)
  headers: ['IncomingMessage.get headers', 'IncomingMessage._addHeaderLine'],
  // sends a whole response in one call (end.js, lib/connection/response.js)
  end: ['OutgoingMessage.end', 'OutgoingMessage._send', 'OutgoingMessage._writeRaw', 'OutgoingMessage.cork',
    'OutgoingMessage.uncork', 'Duplex.write', 'Duplex.cork', 'Duplex.uncork', 'Socket._write', 'Socket._writev',
    'Socket._writeGeneric', 'OutgoingMessage._flushOutput', 'EventEmitter.emit'],
  // gives a response its socket, and takes it away (bond.js)
  bond: ['ServerResponse.assignSocket', 'ServerResponse.detachSocket', 'OutgoingMessage._flush',
    'OutgoingMessage._flushOutput', 'Readable.on', 'Readable.removeListener', 'EventEmitter.on',
    'EventEmitter.removeListener', 'EventEmitter.emit'],
  // adds the 'finish' listener of a response
  listen: ['EventEmitter.on'],
  // ends an empty body that nobody reads (dump.js)
  dump: ['IncomingMessage._dump', 'IncomingMessage._read', 'IncomingMessage._destroy', 'Readable.resume',
    'Readable.read', 'Readable.destroy', 'Readable.removeAllListeners', 'EventEmitter.removeAllListeners', 'Readable.on',
    'EventEmitter.on', 'EventEmitter.emit'],
  // restarts the idle timer of a kept connection (lib/connection/idle-timer.js)
  idle: ['Socket.setTimeout', 'Socket._unrefTimer'],
  // leaves out end() of a socket that has ended
  ended: ['Socket.end', 'Duplex.end'],
  // does not ask whether a server that still listens is drained
  drained: ['NetServer._emitCloseIfDrained'],
  // reads and writes without a libuv handle (lib/socket)
  io: ['Socket._read', 'Socket._write', 'Socket._writev', 'Socket._writeGeneric', 'Socket._final', 'Socket._destroy',
    'Socket._unrefTimer',
    'Socket.read', 'Socket.resume', 'Socket.pause', 'Readable.push', 'Readable.read', 'Readable.resume',
    'Readable.pause', 'Readable.unshift'],
  // refuses connections that JavaScript never sees
  refusals: ['EventEmitter.emit', 'EventEmitter.on', 'EventEmitter.addListener', 'EventEmitter.removeListener', 'Readable.on',
    'Readable.removeListener', 'Duplex.write', 'Socket.end', 'Socket._destroy', 'Duplex.destroy', 'Socket.setTimeout'],
};

const names = [...new Set(Object.values(LEAVES_OUT).flat())].sort();

const [major, minor, patch] = process.versions.node.split('.', 3).map((part) => parseInt(part, 10));

/** Whether this Node is the release `minor.patch` of its line or a later one. */
function isSince(release) {
  const [x, y] = release.split('.', 2).map(Number);
  return minor > x || (minor === x && patch >= y);
}

const lastLine = Object.keys(newest).at(-1);

/** The fingerprint of a function in this Node. On a line after the known ones it is that of the last known release. */
function known(name) {
  const lines = texts[name];
  if (lines === undefined) return undefined;
  const isKnownLine = lines[major] !== undefined;
  // Releases and fingerprints by turns.
  const line = lines[isKnownLine ? major : lastLine].split(' ');
  for (let i = line.length - 2; i >= 0; i -= 2) {
    if (!isKnownLine || isSince(line[i])) return line[i + 1];
  }
  return undefined;
}

const unknown = new Map(); // functions whose text is not the known one
for (const name of names) {
  const text = fingerprint(find(name));
  if (text === '' || text !== known(name)) unknown.set(name, text);
}

/** Shortcuts that are not about Node's message classes, and so are open at level `plain`, too. */
const NOT_OF_MESSAGES = new Set(['idle', 'ended', 'drained', 'io', 'refusals']);

/** By name of the shortcut: whether it is open, and the functions that close it. */
const shortcuts = {};
for (const [name, functions] of Object.entries(LEAVES_OUT)) {
  const closedBy = functions.filter((one) => unknown.has(one));
  shortcuts[name] = { open: closedBy.length === 0 && (NOT_OF_MESSAGES.has(name) || !isAtLeast('plain')), closedBy };
}

// --- functions that are wrapped later ----------------------------------------------------------------

const R = ServerResponse.prototype;
const M = IncomingMessage.prototype;
const S = net.Socket.prototype;
const E = EventEmitter.prototype;

const plainR = { _send: R._send, _writeRaw: R._writeRaw, cork: R.cork, uncork: R.uncork, _flush: R._flush,
  _flushOutput: R._flushOutput, emit: R.emit };
const plainM = { _dump: M._dump, _read: M._read, _destroy: M._destroy, resume: M.resume, read: M.read, destroy: M.destroy,
  removeAllListeners: M.removeAllListeners, on: M.on, emit: M.emit };
const plainS = { write: S.write, cork: S.cork, uncork: S.uncork, _read: S._read, _write: S._write, _writev: S._writev,
  _writeGeneric: S._writeGeneric, _final: S._final, _destroy: S._destroy, read: S.read, resume: S.resume, pause: S.pause,
  push: S.push, unshift: S.unshift, setTimeout: S.setTimeout, _unrefTimer: S._unrefTimer, end: S.end,
  destroy: S.destroy, on: S.on, removeListener: S.removeListener };
const { end: plainDuplexEnd } = Duplex.prototype;
const plainE = { on: E.on, addListener: E.addListener, removeListener: E.removeListener, emit: E.emit,
  removeAllListeners: E.removeAllListeners };

const { end, bond, dump, idle, ended, io, refusals } = shortcuts;

function endIsPlain() {
  return R._send === plainR._send && R._writeRaw === plainR._writeRaw && R.cork === plainR.cork && R.uncork === plainR.uncork &&
    S.write === plainS.write && S.cork === plainS.cork && S.uncork === plainS.uncork && S._writev === plainS._writev &&
    S._write === plainS._write && S._writeGeneric === plainS._writeGeneric && R._flushOutput === plainR._flushOutput;
}

function emittersArePlain() {
  return E.on === plainE.on && E.removeListener === plainE.removeListener && E.emit === plainE.emit && S.on === plainS.on &&
    S.removeListener === plainS.removeListener;
}

function bondIsPlain() {
  return bond.open && R._flush === plainR._flush && R._flushOutput === plainR._flushOutput && emittersArePlain();
}

function dumpIsPlain() {
  return dump.open && M._dump === plainM._dump && M._read === plainM._read && M._destroy === plainM._destroy &&
    M.resume === plainM.resume && M.read === plainM.read && M.destroy === plainM.destroy &&
    M.removeAllListeners === plainM.removeAllListeners && E.removeAllListeners === plainE.removeAllListeners &&
    M.on === plainM.on && E.on === plainE.on && M.emit === plainM.emit;
}

function idleIsPlain() {
  return idle.open && S.setTimeout === plainS.setTimeout && S._unrefTimer === plainS._unrefTimer;
}

function endedIsPlain() {
  return ended.open && S.end === plainS.end && Duplex.prototype.end === plainDuplexEnd;
}

function ioIsPlain() {
  return io.open && S._read === plainS._read && S._write === plainS._write && S._writev === plainS._writev &&
    S._writeGeneric === plainS._writeGeneric && S._final === plainS._final && S._destroy === plainS._destroy &&
    S._unrefTimer === plainS._unrefTimer && S.read === plainS.read && S.resume === plainS.resume &&
    S.pause === plainS.pause && S.push === plainS.push &&
    S.unshift === plainS.unshift && Readable.prototype.resume === plainM.resume;
}

function refusalsArePlain() {
  return refusals.open && emittersArePlain() && E.addListener === plainE.addListener && S.write === plainS.write &&
    S.end === plainS.end && S._destroy === plainS._destroy && S.destroy === plainS.destroy &&
    S.setTimeout === plainS.setTimeout && ioIsPlain();
}

module.exports = {
  names, shortcuts, unknown,
  endIsPlain: end.open ? endIsPlain : () => false,
  bondIsPlain, dumpIsPlain, idleIsPlain, endedIsPlain, ioIsPlain, refusalsArePlain,
};
