'use strict';

// Runs one case against two servers in one process, and compares what they show.
//
// A case is a plain object:
//   name      what the case shows
//   options   options of createServer
//   setup     (server, observer) => void, further listeners and properties
//   handler   a name of HANDLERS, or (req, res, observer) => void
//   packets   what one connection sends: strings (latin1), Buffers, or the steps of STEPS. Each is
//             sent when the server is done with the one before it. A connection that the server
//             left open gets a FIN in the end.
//   modes     names of MODES; all of them if not given
//   split     the single packet is also sent in two at every byte, and byte by byte
//   anyEnd    a FIN and a reset from the server are the same here
//   through   goes on sending after the server's FIN
//   codes     the codes of the clientErrors that node:http itself must give for the whole packets,
//             so that the case shows what its name says
//   todo      a known difference: shown, but not counted as a failure
//   since     the first release of Node that has what is compared
//   script    (t) => void, instead of packets, for several connections and other inputs

const assert = require('node:assert');
const { test } = require('node:test');
const implementations = require('./implementations.js');
const { Lane } = require('./lane.js');
const { MODES, Observer } = require('./observer.js');
const { patience } = require('./patience.js');
const { accepted, quiet } = require('./quiet.js');

// No case takes a second. This limit is for an event that never comes.
const GIVE_UP_MS = 20_000 * patience;

const STEPS = {
  fin: (lane) => lane.fin(),
  reset: (lane) => lane.reset(),
  reply: (lane, observer, [index, body]) => observer.held[index].end(body),
  run: (lane, observer, action) => action(observer, lane),
};

/** A server of one implementation, listening, with an observer. */
class Bench {
  static async open(implementation, spec, mode) {
    const bench = new Bench();
    const options = typeof spec.options === 'function' ? spec.options() : spec.options;
    bench.implementation = implementation;
    bench.lanes = [];
    bench.server = implementation.createServer(options ?? {});
    bench.observer = new Observer(bench.server, bench.lanes, spec);
    bench.server.on('request', bench.observer.onRequest);
    MODES[mode](bench.observer);
    spec.setup?.(bench.server, bench.observer);
    await new Promise((resolve, reject) => {
      bench.server.on('error', reject);
      bench.server.listen(spec.listen ?? { port: 0, host: '127.0.0.1' }, resolve);
    });
    const { port } = bench.server.address();
    bench.where = port === undefined ? bench.server.address() : { port, host: '127.0.0.1' };
    return bench;
  }

  async connect(name) {
    const lane = new Lane(name);
    this.lanes.push(lane);
    await lane.connect(this.where);
    return lane;
  }

  /** Ends what is still open, and returns whether the server could then be closed. */
  async close() {
    for (const lane of this.lanes) lane.fin();
    await quiet();
    for (const lane of this.lanes) {
      if (!lane.socket.destroyed) {
        lane.record('still open');
        lane.reset();
      }
    }
    await quiet();
    let closed = false;
    const closing = new Promise((resolve) => this.server.close(() => {
      closed = true;
      resolve();
    }));
    await quiet();
    if (!closed) {
      this.server.closeAllConnections();
      await quiet();
    }
    if (!closed) this.lanes[0]?.record('the server does not close');
    else await closing;
  }
}

function step(lane, observer, packet) {
  if (typeof packet === 'string') return lane.send(Buffer.from(packet, 'latin1'));
  if (Buffer.isBuffer(packet)) return lane.send(packet);
  const [name] = Object.keys(packet);
  return STEPS[name](lane, observer, packet[name]);
}

/** Runs lanes of packets together. Each round sends one packet on each lane, and waits until the process is at rest. */
async function runRounds(benches, plan, through) {
  await Promise.all(benches.flatMap((bench) => plan.map(({ cut }) => bench.connect(cut))));
  for (const { server } of benches) await accepted(server, plan.length);
  await quiet();
  const rounds = Math.max(...plan.map(({ packets }) => packets.length));
  for (let round = 0; round < rounds; round++) {
    for (const { lanes, observer } of benches) {
      plan.forEach(({ packets }, i) => {
        if (round >= packets.length || (lanes[i].end !== 'open' && !through)) return;
        step(lanes[i], observer, packets[round]);
      });
    }
    await quiet();
  }
}

function bytes(packet) {
  return Buffer.isBuffer(packet) ? packet : Buffer.from(packet, 'latin1');
}

/** The packet whole, in two at every byte, and byte by byte. */
function cuts(packets, split) {
  const plan = [{ cut: 'whole', packets }];
  if (!split) return plan;
  if (packets.length !== 1) throw new Error('Only a single packet can be split');
  const packet = bytes(packets[0]);
  for (let at = 1; at < packet.length; at++) {
    plan.push({ cut: `cut at ${at}`, packets: [packet.subarray(0, at), packet.subarray(at)] });
  }
  plan.push({ cut: 'byte by byte', packets: [...packet].map((byte) => Buffer.of(byte)) });
  return plan;
}

/** Runs a case against several implementations at once; returns a list of traces for each. */
async function runCase(pair, spec, mode) {
  const plan = cuts(spec.packets, spec.split && (mode === 'default' || mode === 'listener'));
  const benches = [];
  for (const implementation of pair) {
    benches.push(await Bench.open(implementation, spec, mode));
  }
  await runRounds(benches, plan, spec.through);
  for (const bench of benches) await bench.close();
  return benches.map(({ lanes }) => lanes.map((lane) => lane.trace()));
}

/** Runs a case's script against one implementation. */
async function runScript(implementation, spec, mode) {
  const bench = await Bench.open(implementation, spec, mode);
  const notes = [];
  const script = {
    server: bench.server,
    observer: bench.observer,
    node: implementation === implementations.node,
    note: (...entry) => notes.push(entry),
    connect: (name) => bench.connect(name ?? `connection ${bench.lanes.length + 1}`),
    async send(lane, packet) {
      lane.send(bytes(packet));
      await quiet();
    },
    quiet,
  };
  await spec.script(script);
  await bench.close();
  return [{ notes }, ...bench.lanes.map((lane) => lane.trace())];
}

async function runBoth(pair, spec, mode) {
  if (!spec.script) return runCase(pair, spec, mode);
  return Promise.all(pair.map((implementation) => runScript(implementation, spec, mode)));
}

/** Waits for the promise, with a time limit, and keeps the event loop alive. */
async function guarded(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} waits for ever`)), GIVE_UP_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function codesOf(events) {
  return events.filter(([name]) => name === 'clientError')
    .map(([, error]) => error.own.find(([key]) => key === 'code')?.[2]);
}

/** Rejects with a difference between `pair`'s two servers, if there is one. */
async function compareCase(spec, pair) {
  for (const mode of spec.modes ?? (spec.script ? ['listener'] : Object.keys(MODES))) {
    const [expected, actual] = await guarded(runBoth(pair, spec, mode), `${spec.name}, ${mode}`);
    expected.forEach((trace, i) => {
      const cut = trace.cut ? `, ${trace.cut}` : '';
      if (spec.anyEnd && trace.end) actual[i].end = trace.end;
      assert.deepStrictEqual(actual[i], trace, `${spec.name}: ${mode}${cut}`);
    });
    if (spec.codes && mode === 'listener') {
      const [{ events }] = expected.filter((trace) => trace.events);
      assert.deepStrictEqual(codesOf(events), spec.codes, `${spec.name}: what node:http gives`);
    }
  }
}

const major = Number(process.versions.node.split('.', 1)[0]);

/** Declares one test per case, comparing node:http with the implementation under test. */
function compare(section, cases) {
  for (const spec of cases) {
    if (spec.since > major) continue;
    test(`${section}: ${spec.name}`, { todo: spec.todo }, () =>
      compareCase(spec, [implementations.node, implementations.ours]));
  }
}

module.exports = { compare, compareCase, guarded, major, runScript };
