'use strict';
// Makes objects of Node's classes that are only looked at.

const { EventEmitter } = require('events');

/**
 * Calls `action`, which makes such objects. V8 optimizes a function for the classes of objects that it has seen there,
 * if they are few. `EventEmitter.init` runs for each request and each response, so it must not see these objects.
 */
function withoutTrace(action) {
  const descriptor = Object.getOwnPropertyDescriptor(EventEmitter, 'init');
  if (!descriptor?.writable) return action();
  EventEmitter.init = function () {
    this._events = { __proto__: null };
    this._eventsCount = 0;
    this._maxListeners = undefined;
  };
  try {
    return action();
  } finally {
    EventEmitter.init = descriptor.value;
  }
}

module.exports = { withoutTrace };
