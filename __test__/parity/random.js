'use strict';

// A seeded generator of numbers: the same seed gives the same cases on every machine.

class Random {
  /** `stream` tells the generators of one seed apart. */
  constructor(seed, stream = 0) {
    this.state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)) | 0;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** 32 bits. */
  next() {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  }

  /** An integer from 0 to below `limit`. */
  below(limit) {
    return Math.floor(this.next() / 4294967296 * limit);
  }

  /** An integer from `first` to `last`. */
  between(first, last) {
    return first + this.below(last - first + 1);
  }

  chance(probability) {
    return this.next() / 4294967296 < probability;
  }

  pick(list) {
    return list[this.below(list.length)];
  }
}

module.exports = { Random };
