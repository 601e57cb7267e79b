'use strict';
// What emitters hold: their listeners by event, one as itself, several as an array; and how many events have some.

/** The listeners of an event, as the emitter holds them. */
function listenersOf(emitter, event) {
  return emitter._events[event];
}

/** How many events have listeners. */
function eventCount(emitter) {
  return emitter._eventsCount;
}

/** Puts `next` where the only listener was; the order of `eventNames()` stays. */
function exchangeListener(emitter, event, next) {
  emitter._events[event] = next;
}

module.exports = { listenersOf, eventCount, exchangeListener };
