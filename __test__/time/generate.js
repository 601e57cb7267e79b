'use strict';

// Histories. A history is plain data and depends on its seed and number alone:
//
//   options      of the server, and what is listened to (OPTIONS)
//   connections  [{ small }]: small ones have small buffers, so that little output fills them
//   plans        how requests are made and answered, by the names in their targets
//   steps        lists of what happens while the servers' thread is blocked; after each the servers
//                run until nothing moves. See `stage.js` for what a step can hold
//
// Nothing may be a matter of chance, or node:http would differ from itself:
//
// - Readers that stop get responses that are well below or well above what the kernel takes. For small connections
//   that is a fixed number of bytes (tools/time-peer/src/room.rs).
// - What a connection sends in one step is one read of the server's; only then is it certain what comes
//   first, the rest of it or an answer in a later turn. What is longer has a step of its own, in which nothing is answered.
// - RST drops what the kernel has not passed on of a long body: it comes in a later step.
// - If nobody reads a long body, the kernel decides how what follows it is cut. So nothing follows it. And the client
//   does not close: the kernel decides whether FIN comes before the RST that answers a response. Of a request beyond
//   `maxRequestsPerSocket` nobody reads the body.
// - Of the responses of a small connection, all behind a large one are large: whether the kernel takes a short one at once
//   depends on how much of the large one the client has just read.
// - A small connection sends no more at once than goes without an answer of its peer's: how fast that comes, and
//   what RST overtakes, is up to the kernel.
// - A new connection, of which no complete head has come, is read by a thread that nothing here can stop. So
//   what it sends in one step is one segment, and it resets in a step of its own. With I/O threads all are
//   new connections, and FIN has a step of its own, too: in which turn it is told is up to them.
// - With I/O threads it is also up to them in which turn pending output is told to have left, and in which turn a request
//   comes. So where there is much output, no answer takes turns, and no FIN waits behind it. And what takes turns has a step
//   in which its connection sends nothing.
// - A socket expires in a step of its own: the clock decides what its timer comes before. A handler's timer comes some
//   turns later, whatever the clock says.
// - Behind the last response of a connection the server does not read, and RST follows it if something came. That
//   drops what the client has no room for, which the kernel decides. So there responses are short.
// - Where reading stops because output is pending, the kernel decides how much of a long body is read
//   with what follows. So clients that stop reading send none.

const { Random } = require('../parity/random.js');
const { ONE_READ, atOnce, isCertainAnswer, isUnread, takesTurns } = require('./fair.js');
const { TIMES, WAYS, bytesOf } = require('./requests.js');

const OPTIONS = {
  // What the 'clientError' listener does; none is another path through the server.
  clientError: ['none', 'none', 'destroy', 'reply', 'keep'],
  // Whether there are listeners of 'connection' and of the socket's events.
  connection: [false, true],
  watch: [false, true],
  httpAllowHalfOpen: [false, false, false, false, false, true],
  maxRequestsPerSocket: [0, 0, 0, 0, 0, 0, 0, 2],
};

const LARGE_SIZES = [400_000, 400_000, 1_000_000];
const SMALL_SIZES = [0, 1, 100, 2000, 2000, ...LARGE_SIZES];
const SIZES = [0, 1, 5, 5, 1000, 1000, 16_384, 65_536, 100_000];
const HUGE = 16_000_000;
const SHORT = 1000;
const UPLOADS = [0, 5, 5, 1000, 1000, 20_000, 300_000];
const FRAMINGS = ['none', 'none', 'none', 'length', 'length', 'chunked'];
const WHEN = ['now', 'now', 'now', 'now', 'microtask', 'tick', 'immediate', 'immediate', 'timer', 'held', 'held', 'held', 'never'];
const CONSUME = ['resume', 'resume', 'data', 'data', 'nothing'];
const ENDS = [null, null, null, 'fin', 'fin', 'fin', 'reset', 'reset', 'reset', 'close'];
// In the answer of a request: as its handler begins, when it has answered, when the response is finished.
const MOMENTS = ['begin', 'begin', 'answered', 'finish'];
const MALFORMED = ['BAD', 'GET / HTTP/9.9\r\n\r\n', '\r\nx\r\n', 'GET / HTTP/1.1\r\nA b: c\r\n\r\n'];

class Generator {
  constructor(seed, index, ioThreads) {
    this.ioThreads = ioThreads;
    this.random = new Random(seed, index);
    this.history = { options: {}, connections: [], plans: {}, steps: [] };
    this.nextId = 0;
  }

  run() {
    const { random, history } = this;
    for (const [name, values] of Object.entries(OPTIONS)) history.options[name] = random.pick(values);
    // Each connection's acts in their order; the acts of a step are then mixed.
    const lines = [];
    for (let c = random.pick([1, 2, 2, 2, 3, 3, 4, 6]); c > 0; c--) lines.push(this.connection(lines.length));
    const last = Math.max(...lines.flat().map(({ step }) => step));
    for (let step = 0; step <= last; step++) {
      const queues = lines.map((line) => line.filter((placed) => placed.step === step).map(({ act }) => act))
        .filter((queue) => queue.length > 0);
      const acts = [];
      while (queues.length > 0) {
        const at = random.below(queues.length);
        // What keeps bytes back for the next act is not parted from it.
        let act;
        do {
          act = queues[at].shift();
          acts.push(act);
        } while (act.more);
        if (queues[at].length === 0) queues.splice(at, 1);
      }
      if (acts.length > 0) history.steps.push(acts);
    }
    return history;
  }

  /** `earlier`: the plans of the same connection. */
  plan(c, small, earlier) {
    const { random } = this;
    const framing = random.pick(FRAMINGS);
    const isBehindLarge = small && earlier.some(({ size }) => LARGE_SIZES.includes(size));
    let size = random.pick(isBehindLarge ? LARGE_SIZES : small ? SMALL_SIZES : SIZES);
    if (!small && random.chance(0.01)) size = HUGE;
    const upload = framing === 'none' ? 0 : random.pick(UPLOADS);
    const withoutTurns = (name, instead) => (this.ioThreads && small && takesTurns(name) ? instead : name);
    return {
      id: `${c}.${this.nextId++}`,
      framing,
      upload,
      consume: random.pick(CONSUME),
      when: withoutTurns(upload > ONE_READ ? random.pick(['held', 'never']) : random.pick(WHEN), 'tick'),
      way: withoutTurns(random.pick(Object.keys(WAYS)), 'writes'),
      size,
      length: random.chance(0.5),
      last: random.chance(0.08),
    };
  }

  /** Whether `plan` can be answered in the step in which its connection does what is `placed`. */
  isCertainAnswer(plan, placed) {
    return isCertainAnswer(plan, placed.map(({ act }) => act), this.history.plans, this.ioThreads);
  }

  connection(c) {
    const { random, history } = this;
    const small = random.chance(0.35);
    history.connections.push({ small });
    const placed = [];
    let step = 0;
    const add = (act, at = step) => placed.push({ step: at, act: { ...act, c } });
    const stops = random.chance(0.4);

    const warm = random.chance(0.65);
    if (warm || random.chance(0.5)) {
      add({ do: 'connect' });
      if (warm) {
        const plan = { ...this.plan(c, small, []), framing: 'none', upload: 0, when: 'now', size: 5, last: false };
        history.plans[plan.id] = plan;
        add({ do: 'send', id: plan.id });
      }
      step = 1;
    } else {
      step = random.below(3);
      add({ do: 'connect' });
    }
    if (stops) add({ do: 'read', limit: 'nothing more' });
    const connected = step;
    let headAt = warm ? 0 : Infinity;
    const isNew = () => this.ioThreads || !(headAt < step || (history.options.connection && connected < step));
    /** Joins the act that was added last to what the same step sends before it. */
    const join = () => {
      const [previous, { act }] = placed.slice(-2);
      if (previous.step !== step || !['send', 'text'].includes(previous.act.do) || !isNew()) return;
      if (act.do === 'send' || act.do === 'text' || (act.do === 'fin' && !this.ioThreads)) previous.act.more = true;
      else placed.at(-1).step = ++step;
    };

    const wanted = random.pick(ENDS);
    const cut = wanted !== null && random.chance(0.4);
    let count = random.chance(0.1) ? random.between(4, 12) : random.between(1, 3);
    const answers = [];
    const plans = warm ? [history.plans[`${c}.${this.nextId - 1}`]] : [];
    let lastPlan;
    let sent = 0;
    for (let n = 1; n <= count; n++) {
      const plan = this.plan(c, small, plans);
      if (isUnread(plan, plans.length, history.options)) count = n;
      history.plans[plan.id] = plan;
      plans.push(plan);
      // One segment.
      if (stops) plan.upload = Math.min(plan.upload, ONE_READ / 3);
      if (small) plan.upload = Math.min(plan.upload, isNew() ? 5 : 1000);
      const length = bytesOf(plan).length;
      if (sent > 0 && sent + length > atOnce(small, isNew())) step++;
      if (placed.at(-1).step < step) sent = 0;
      sent += length;
      const until = cut && n === count ? random.between(1, length - 1) : length;
      if (until === length) lastPlan = plan;
      const places = [0, until];
      while (random.chance(0.25)) places.push(random.between(1, until));
      places.sort((a, b) => a - b);
      for (let i = 1; i < places.length; i++) {
        if (places[i] === places[i - 1]) continue;
        add({ do: 'send', id: plan.id, from: places[i - 1], to: places[i], more: false });
        join();
        if (places[i] >= length - plan.upload) headAt = Math.min(headAt, step);
        // In the same segment as what follows, in a segment of its own, or in a step of its own.
        const last = n === count && i === places.length - 1;
        if (!last && sent < atOnce(small, isNew()) && random.chance(0.35)) placed.at(-1).act.more = true;
        else if (random.chance(0.4)) step += random.between(1, 2);
      }
      if (plan.when === 'held') answers.push({ id: plan.id, from: length > ONE_READ ? step + 1 : step });
    }
    const hasUnread = plans.some((plan, n) => isUnread(plan, n, history.options));
    if (random.chance(0.06) && !hasUnread) {
      if (sent > ONE_READ) step++;
      add({ do: 'text', text: random.pick(MALFORMED) });
      join();
    }

    let end = wanted === 'close' && hasUnread ? 'reset' : wanted;
    if (end === 'fin' && this.ioThreads && stops && plans.some(({ size }) => LARGE_SIZES.includes(size))) end = 'reset';

    const most = history.options.maxRequestsPerSocket || Infinity;
    const lastAt = plans.findIndex((plan, n) => plan.last || n + 1 >= most);
    if (!small && lastAt !== -1 && (lastAt < plans.length - 1 || placed.at(-1).act.do === 'text')) {
      for (const plan of plans) plan.size = Math.min(plan.size, SHORT);
    }

    if (end !== null) {
      const previous = placed.at(-1);
      if (lastPlan && !cut && !this.ioThreads && lastPlan.upload <= ONE_READ && random.chance(0.15)) {
        lastPlan.meanwhile = { at: random.pick(MOMENTS), acts: [{ do: end, c }] };
      } else {
        if (random.chance(0.3)) step += random.between(1, 2);
        else if (sent > ONE_READ && end !== 'fin') step++;
        if (end === 'fin' && previous.step === step && previous.act.do === 'send' && random.chance(0.6)) {
          previous.act.more = true;
        }
        add({ do: end });
        if (previous.act.do === 'connect' && end !== 'fin') placed.at(-1).step = ++step;
        join();
      }
    }
    for (const { id, from } of answers) {
      if (!random.chance(0.85)) continue;
      let at = from + random.below(step + 3 - Math.min(from, step + 2));
      while (!this.isCertainAnswer(history.plans[id], placed.filter((other) => other.step === at))) at++;
      add({ do: 'answer', id }, at);
    }
    if (stops && random.chance(0.7)) add({ do: 'read', limit: 'all' }, step + random.between(1, 2));
    if (random.chance(0.06)) {
      // Of a long body some comes before and some after.
      const long = Object.values(history.plans).some(({ id, upload }) => upload > ONE_READ && id.startsWith(`${c}.`));
      const act = random.pick(['destroy', 'end', 'expire']);
      const at = random.between(step, step + 2);
      if (!long) add({ do: act }, act === 'expire' ? step + 3 : at);
    }
    placed.sort((a, b) => a.step - b.step);
    placed.forEach(({ step, act }, i) => {
      const next = placed[i + 1];
      if (act.more && (next?.step !== step || !['send', 'text', 'fin'].includes(next.act.do))) act.more = false;
    });
    return placed;
  }
}

/** `ioThreads`: whether the engine has any. */
function generate(seed, index, ioThreads = process.env.FERROHTTP_IO_THREADS > 0) {
  return new Generator(seed, index, ioThreads).run();
}

module.exports = { OPTIONS, TIMES, generate };
