'use strict';
// The internal state of emitters: the listeners of each event (one function, or an array of several), and the number of
// events that have listeners.

/** The listeners of an event, as the emitter holds them. */
function listenersOf(emitter, event) {
  return emitter._events[event];
}

/** How many events have listeners. */
function eventCount(emitter) {
  return emitter._eventsCount;
}

/** Replaces the only listener of an event. The order of `eventNames()` does not change. */
function exchangeListener(emitter, event, next) {
  emitter._events[event] = next;
}

module.exports = { listenersOf, eventCount, exchangeListener };
