'use strict';

// What a server has shown of one history, in many plays.
//
// Connections do not depend on each other, except for the number of those that are open. So each is compared alone: the
// results of two connections need not have come in the same play of the other server.

const { difference, partsOf } = require('./difference.js');

class Shown {
  constructor() {
    this.outcomes = []; // { key, trace, count }, each different
    this.count = 0;
  }

  add(trace) {
    this.count++;
    const key = JSON.stringify(trace);
    const known = this.outcomes.find((outcome) => outcome.key === key);
    if (known) known.count++;
    else this.outcomes.push({ key, trace, count: 1 });
  }

  mostCommon() {
    return this.outcomes.reduce((a, b) => (b.count > a.count ? b : a)).trace;
  }

  /** Whether two plays differed in what is compared. */
  isUnsteady() {
    const [first, ...rest] = this.outcomes;
    return rest.some(({ trace }) => difference([first.trace, trace]) !== null);
  }

  /** Whether a trace was shown here, as a whole, or each of its connections and the number of open ones. */
  explains(trace) {
    const traces = this.outcomes.map((outcome) => outcome.trace);
    if (traces.some((shown) => difference([shown, trace]) === null)) return true;
    const parts = partsOf(trace);
    const shown = traces.map(partsOf);
    if (parts === null || shown.includes(null)) return false;
    return parts.every((part, c) => shown.some((others) => difference([others[c], part]) === null)) &&
      isBetween(trace.summary, traces.map(({ summary }) => summary));
  }

  /** The outcomes that another server has not shown. */
  strangeTo(other) {
    return this.outcomes.filter(({ trace }) => !other.explains(trace));
  }

  covers(other) {
    return other.strangeTo(this).length === 0;
  }
}

/** Whether each number of open connections lies between those that others show. */
function isBetween(summary, others) {
  return summary.every((text, i) => {
    const shown = others.map((other) => other[i]);
    if (shown.includes(text)) return true;
    const numbers = [text, ...shown].map((open) => Number.parseInt(open, 10));
    const [number, ...rest] = numbers;
    return !numbers.includes(NaN) && number >= Math.min(...rest) && number <= Math.max(...rest);
  });
}

module.exports = { Shown };
