'use strict';
// A fingerprint of the text of a function of Node. It distinguishes the function of one release from that of another,
// and Node's own function from one with which somebody has replaced it.

const { EventEmitter } = require('events');
const http = require('http');
const net = require('net');
const { Duplex, Readable, Writable } = require('stream');

/** The objects on which functions are looked for, by the first part of a name. */
const OWNERS = {
  ServerResponse: http.ServerResponse.prototype,
  OutgoingMessage: http.OutgoingMessage.prototype,
  IncomingMessage: http.IncomingMessage.prototype,
  HttpServer: http.Server.prototype,
  NetServer: net.Server.prototype,
  Socket: net.Socket.prototype,
  Duplex: Duplex.prototype,
  Readable: Readable.prototype,
  Writable: Writable.prototype,
  EventEmitter: EventEmitter.prototype,
};

const { toString } = Function.prototype;

/** Whether `toString` is the built-in one, which has no prototype. Otherwise the texts cannot be trusted. */
const trusted = !Object.hasOwn(toString, 'prototype');

/** Finds a function by a name such as 'Socket.end' or, for a getter, 'IncomingMessage.get headers'. */
function find(name) {
  const dot = name.indexOf('.');
  const owner = OWNERS[name.slice(0, dot)];
  const key = name.slice(dot + 1);
  if (key.startsWith('get ')) return Object.getOwnPropertyDescriptor(owner, key.slice(4))?.get;
  for (let object = owner; object !== null; object = Object.getPrototypeOf(object)) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor !== undefined) return descriptor.value;
  }
  return undefined;
}

/** The text of a function. Node's own have CRLF in builds for Windows. */
function textOf(fn) {
  const text = Reflect.apply(toString, fn, []);
  return process.platform === 'win32' ? text.replaceAll('\r\n', '\n') : text;
}

const { imul } = Math;
let words = new Int32Array(2 ** 11);
let bytes = Buffer.from(words.buffer);

/**
 * The length of the text of a function and a hash of it; '' if it is no function. The hash is FNV-1a over words of four
 * bytes, which takes a third of the time: all functions that shortcuts leave out are looked at when the package is
 * loaded.
 */
function fingerprint(fn) {
  if (typeof fn !== 'function' || !trusted) return '';
  const text = textOf(fn);
  const { length } = text;
  if (length + 3 > bytes.length) {
    words = new Int32Array(length);
    bytes = Buffer.from(words.buffer);
  }
  bytes.latin1Write(text);
  bytes[length] = bytes[length + 1] = bytes[length + 2] = 0; // for the last word
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i += 4) hash = imul(hash ^ words[i >> 2], 0x01000193);
  return `${length.toString(36)}.${(hash >>> 0).toString(36)}`;
}

module.exports = { OWNERS, find, fingerprint };
