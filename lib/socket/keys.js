'use strict';
// The properties that a socket of ferrohttp has in addition to those of net.Socket. The constructor in index.js says
// what each of them means.

const kId = Symbol('ferrohttp.id');
const kKey = Symbol('ferrohttp.key');
const kPending = Symbol('ferrohttp.pending');
const kCancelled = Symbol('ferrohttp.cancelled');
const kBytesRead = Symbol('ferrohttp.bytesRead');
const kBytesWritten = Symbol('ferrohttp.bytesWritten');
const kException = Symbol('ferrohttp.exception');
const kRefed = Symbol('ferrohttp.refed');
const kHolds = Symbol('ferrohttp.holds');
const kEnded = Symbol('ferrohttp.ended');
const kTaken = Symbol('ferrohttp.taken');
const kStopped = Symbol('ferrohttp.stopped');
const kOpen = Symbol('ferrohttp.open');
const kQueueSeen = Symbol('ferrohttp.queueSeen');
const kLast = Symbol('ferrohttp.last');
const kBehind = Symbol('ferrohttp.behind');

module.exports = {
  kId, kKey, kPending, kCancelled, kBytesRead, kBytesWritten, kException, kRefed,
  kHolds, kEnded, kTaken, kStopped, kOpen, kQueueSeen, kLast, kBehind,
};
