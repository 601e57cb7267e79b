'use strict';
// Reports new refusals to subscribers of the channel 'ferrohttp.server.refusals' and to logs. Rust keeps refusals
// without waking JavaScript. While somebody listens, a timer fetches the new ones, at most ten times a second.

const dc = require('diagnostics_channel');
const { toRefusal } = require('../observe/record');
const { Log } = require('./log');

const INTERVAL = 100; // ms

const channel = dc.channel('ferrohttp.server.refusals');
const watched = new Set(); // WeakRefs of Watches
let pruneAt = 64;
let timer = null;

/** What was reported of one server. */
class Watch {
  constructor(server, native, log) {
    this.server = new WeakRef(server);
    this.native = native;
    this.log = log === null ? null : new Log(log);
    this.told = 0; // the number of the last refusal that was published on the channel
  }

  tick(published) {
    const { native } = this;
    const last = native.refusalCount;
    if (published && last > this.told) this.publish();
    if (!published) this.told = last;
    this.log?.tick(native, last);
  }

  publish() {
    const server = this.server.deref();
    if (server === undefined) return;
    const { seq, refusals } = JSON.parse(this.native.refusals(this.told));
    const lost = seq - this.told - refusals.length;
    this.told = seq;
    channel.publish({ server, refusals: refusals.map(toRefusal), lost });
  }
}

function* watches() {
  for (const reference of watched) {
    const watch = reference.deref();
    if (watch === undefined) watched.delete(reference);
    else yield watch;
  }
}

function tick() {
  const published = channel.hasSubscribers;
  let needed = published;
  for (const watch of watches()) {
    watch.tick(published);
    needed ||= watch.log !== null;
  }
  if (needed) return;
  clearInterval(timer);
  timer = null;
}

/** Starts the timer, because somebody listens. */
function start() {
  timer ??= setInterval(tick, INTERVAL).unref();
}

/** Reports the refusals of a server to those who listen. */
function watch(server, native, log) {
  if (watched.size >= pruneAt) {
    pruneAt = 64 + 2 * [...watches()].length;
  }
  const made = new Watch(server, native, log);
  watched.add(new WeakRef(made));
  if (log !== null || channel.hasSubscribers) start();
  return made;
}

// A channel does not say that it has got a subscriber, so its `subscribe` is wrapped.
const { subscribe } = Object.getOwnPropertyDescriptors(channel);
if (subscribe === undefined) {
  Object.defineProperty(channel, 'subscribe', {
    configurable: true,
    writable: true,
    value(subscription) {
      // Earlier refusals are not published.
      if (!channel.hasSubscribers) for (const each of watches()) each.told = each.native.refusalCount;
      const result = Reflect.apply(Object.getPrototypeOf(this).subscribe, this, [subscription]);
      start();
      return result;
    },
  });
}

module.exports = { watch };
