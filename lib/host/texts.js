'use strict';
// The text of a function of Node, in short: what tells one release's from another's, and Node's own from a
// function that somebody has put in its place.

const { EventEmitter } = require('events');
const http = require('http');
const net = require('net');
const { Duplex, Readable, Writable } = require('stream');

/** Where functions are looked for, by the first part of their names. */
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

/** A text that somebody else gives is none. Node's own function is no constructor. */
const trusted = !Object.hasOwn(toString, 'prototype');

/** The function of a name, 'Socket.end' or (a getter) 'IncomingMessage.get headers'; or undefined. */
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

/** Length and FNV-1a of a function's text; '' if it is none. */
function fingerprint(fn) {
  if (typeof fn !== 'function' || !trusted) return '';
  const text = Reflect.apply(toString, fn, []);
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return `${text.length.toString(36)}.${(hash >>> 0).toString(36)}`;
}

module.exports = { OWNERS, find, fingerprint };
