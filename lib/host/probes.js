'use strict';
// Tries once whether the parts of Node exist and behave that ferrohttp needs. Each failure names the level that works
// without the part.

const { EventEmitter } = require('events');
const net = require('net');
const { Readable } = require('stream');
const { withoutTrace } = require('./trial');

const NEEDED = ['connections', 'timeout', 'incomingMessage', 'serverResponse', 'headers', 'headersCount', 'uniqueHeaders',
  'asyncId', 'needDrain'];

const PROBES = [
  ['node', 'Node keeps state under other symbols', () => {
    const { symbols, nodeConnectionListener } = require('./symbols');
    return NEEDED.every((name) => symbols[name] !== undefined) && typeof nodeConnectionListener === 'function';
  }],
  ['node', 'Node serves a connection in another way', () => {
    const { traits } = require('./traits');
    return traits.abortedPrototype !== undefined;
  }],
  ['node', 'ticks cannot be run', () => typeof require('./ticks').runTicks === 'function'],
  ['sockets', 'a socket holds its handle in another way', () => {
    const { symbols, onread } = require('./symbols');
    const accessor = Object.getOwnPropertyDescriptor(net.Socket.prototype, '_handle');
    return symbols.owner !== undefined && typeof onread === 'function' && typeof accessor?.get === 'function' && typeof accessor.set === 'function';
  }],
  ['plain', 'emitters hold their listeners in another way', () => {
    const emitter = withoutTrace(() => new EventEmitter());
    let heard = false;
    emitter._events.probe = () => { heard = true; };
    emitter._eventsCount = 1;
    emitter.emit('probe');
    return heard && emitter.listenerCount('probe') === 1;
  }],
  ['plain', 'streams hold their state in another way', () => {
    const stream = withoutTrace(() => new Readable({ read() {} }));
    const state = stream._readableState;
    state.flowing = true;
    state.endEmitted = true;
    state.destroyed = true;
    state.closed = true;
    state.closeEmitted = true;
    return stream.readableFlowing === true && stream.readableEnded && stream.destroyed && stream.closed;
  }],
];

/** Returns the failures, as [level, reason]. */
function probe() {
  return PROBES.flatMap(([level, reason, holds]) => {
    try {
      return holds() ? [] : [[level, reason]];
    } catch (error) {
      return [[level, `${reason} (${error.message})`]];
    }
  });
}

module.exports = { probe };
