'use strict';
// How objects of Node's classes are made to be looked at.

const { EventEmitter } = require('events');

/**
 * As `action()`. V8 compiles a function for the classes of objects that it has seen there, as long as they
 * are few. `EventEmitter.init` runs for each request and each response; it is not to see our objects.
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
