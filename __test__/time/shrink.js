'use strict';

// Makes a history smaller while it still shows the same kind of difference.

const { difference } = require('./difference.js');
const { isFair } = require('./fair.js');

const MOST_ROUNDS = 80;
const BATCH = 48;

const SIMPLER_PLAN = {
  framing: 'none', upload: 0, consume: 'resume', when: 'now', way: 'string', size: 5, length: true, last: false, meanwhile: undefined,
};
const SIMPLER_OPTIONS = {
  clientError: 'none', connection: false, watch: false, httpAllowHalfOpen: false, maxRequestsPerSocket: 0,
};

function withSteps(history, steps) {
  const kept = steps.filter((acts) => acts.length > 0);
  const used = new Set(kept.flat().map(({ id }) => id));
  const plans = Object.fromEntries(Object.entries(history.plans).filter(([id]) => used.has(id)));
  return { ...history, steps: kept, plans };
}

function* smaller(history) {
  const { steps, plans, options, connections } = history;
  for (const c of connections.keys()) {
    if (steps.flat().some((act) => act.c === c)) {
      yield withSteps(history, steps.map((acts) => acts.filter((act) => act.c !== c)));
    }
  }
  for (const id of Object.keys(plans)) {
    yield withSteps(history, steps.map((acts) => acts.filter((act) => act.id !== id)));
  }
  for (const i of steps.keys()) yield withSteps(history, steps.filter((_, j) => j !== i));
  for (const i of steps.keys()) {
    for (const n of steps[i].keys()) {
      yield withSteps(history, steps.map((acts, j) => (i === j ? acts.filter((_, m) => m !== n) : acts)));
    }
  }
  for (let i = 1; i < steps.length; i++) {
    yield withSteps(history, steps.map((acts, j) => (j === i - 1 ? [...acts, ...steps[i]] : j === i ? [] : acts)));
  }
  for (const [name, value] of Object.entries(SIMPLER_OPTIONS)) {
    if (options[name] !== value) yield { ...history, options: { ...options, [name]: value } };
  }
  for (const c of connections.keys()) {
    if (connections[c].small) {
      yield { ...history, connections: connections.map((connection, i) => (i === c ? { small: false } : connection)) };
    }
  }
  for (const [id, plan] of Object.entries(plans)) {
    const whole = steps.flat().every((act) => act.id !== id || act.do !== 'send' || act.more === undefined);
    for (const [name, value] of Object.entries(SIMPLER_PLAN)) {
      // Where it is sent in pieces, their places are those of its bytes.
      if (plan[name] === value || (!whole && ['framing', 'upload', 'last'].includes(name))) continue;
      yield { ...history, plans: { ...plans, [id]: { ...plan, [name]: value } } };
    }
  }
  for (const act of steps.flat()) {
    if (act.more) yield { ...history, steps: steps.map((acts) => acts.map((other) => (other === act ? { ...act, more: false } : other))) };
  }
}

/** Returns the smallest such history that it finds. */
async function shrink(stage, history, kind) {
  let best = history;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const candidates = [...smaller(best)].filter((smaller) => smaller.steps.length > 0 && isFair(smaller));
    let better;
    for (let at = 0; at < candidates.length && !better; at += BATCH) {
      const tried = candidates.slice(at, at + BATCH);
      const { traces } = await stage.run(tried);
      better = tried.find((_, i) => difference(traces[i])?.kind === kind);
    }
    if (!better) break;
    best = better;
  }
  return best;
}

module.exports = { shrink };
