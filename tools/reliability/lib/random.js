'use strict';

// A random number generator (mulberry32). The same seed repeats a run.

module.exports = class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** At least 0, less than 1. */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** A whole number like that of `between`, but small numbers are as likely as large ones. */
  size(from, to) {
    const least = Math.log(from + 1);
    return Math.floor(Math.exp(least + this.next() * (Math.log(to + 1) - least))) - 1 || from;
  }

  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  /** An entry of [weight, value] pairs. */
  weighted(pairs) {
    let at = this.next() * pairs.reduce((sum, [weight]) => sum + weight, 0);
    return (pairs.find(([weight]) => (at -= weight) < 0) ?? pairs.at(-1))[1];
  }
};
