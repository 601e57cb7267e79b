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

/** The length and the FNV-1a hash of the text of a function; '' if it is no function. */
function fingerprint(fn) {
  if (typeof fn !== 'function' || !trusted) return '';
  const text = textOf(fn);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `${text.length.toString(36)}.${(hash >>> 0).toString(36)}`;
}

module.exports = { OWNERS, find, fingerprint };
