'use strict';

// The requests of a history as bytes, and their answers as programs write them.

const { Readable } = require('node:stream');

const PATTERN = Buffer.alloc(1 << 24);
for (let i = 0; i < PATTERN.length; i++) PATTERN[i] = 97 + (i * 2654435761 >>> 16) % 26;

/** Bytes that differ at each offset, so that lost and repeated ones are seen. */
function body(size) {
  return PATTERN.subarray(0, size);
}

/** The bytes of a request; its target names it. */
function bytesOf({ id, framing, upload, last }) {
  const head = [`${framing === 'none' ? 'GET' : 'POST'} /${id} HTTP/1.1`, 'Host: a'];
  if (last) head.push('Connection: close');
  if (framing === 'none') return Buffer.from(`${head.join('\r\n')}\r\n\r\n`);
  if (framing === 'length') {
    return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\nContent-Length: ${upload}\r\n\r\n`), body(upload)]);
  }
  const half = upload >> 1;
  const parts = [Buffer.from(`${head.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n`)];
  for (const [from, to] of [[0, half], [half, upload]]) {
    if (from === to) continue;
    parts.push(Buffer.from(`${(to - from).toString(16)}\r\n`), body(upload).subarray(from, to), Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

function* pieces(size, count) {
  for (let i = 0; i < count; i++) {
    yield PATTERN.subarray(Math.floor(size * i / count), Math.floor(size * (i + 1) / count));
  }
}

/** Each writes a response of `plan.size` bytes. `soon` runs something later, which the step waits for. */
const WAYS = {
  string: (res, { size }) => res.end(body(size).latin1Slice()),
  buffer: (res, { size }) => res.end(body(size)),
  'write, end': (res, { size }) => {
    res.write(body(size));
    res.end();
  },
  'end with a callback': (res, { size }, soon, note) => res.end(body(size), (err) => note('ended', err?.code ?? '')),
  writes: (res, { size }) => {
    for (const piece of pieces(size, 5)) res.write(piece);
    res.end();
  },
  'writes with callbacks': (res, { size }, soon, note) => {
    let n = 0;
    for (const piece of pieces(size, 3)) {
      const nth = ++n;
      res.write(piece, (err) => note(`written ${nth}`, err?.code ?? ''));
    }
    res.end();
  },
  drained: (res, { size }) => {
    const rest = [...pieces(size, 20)];
    (function more() {
      while (rest.length > 0) if (!res.write(rest.shift())) return res.once('drain', more);
      res.end();
    })();
  },
  pipe: (res, { size }) => Readable.from(pieces(size, 4)).pipe(res),
  corked: (res, { size }) => {
    res.cork();
    for (const piece of pieces(size, 4)) res.write(piece);
    res.uncork();
    res.end();
  },
  'head first': (res, { size }, soon) => {
    res.flushHeaders();
    soon(setImmediate, () => res.end(body(size)));
  },
  'in turns': (res, { size }, soon) => {
    const rest = [...pieces(size, 3)];
    (function more() {
      if (rest.length === 0) return res.end();
      res.write(rest.shift());
      soon(setImmediate, more);
    })();
  },
  'a write, then an end of both': (res, { size }, soon) => {
    res.write(body(size >> 1));
    soon(process.nextTick, () => res.end(PATTERN.subarray(size >> 1, size)));
  },
};

const LATER_TURNS = 12;
const BLOCKED_MS = 2;
const still = new Int32Array(new SharedArrayBuffer(4));

/**
 * Runs something in a timer. When the timer runs must not depend on the clock, because it could come before or after the
 * rest of the packet is read. So it is set some turns later, when that was read for certain, and this thread blocks until
 * it is due.
 */
function afterTurns(run, turns = LATER_TURNS) {
  if (turns > 0) {
    setImmediate(afterTurns, run, turns - 1);
    return;
  }
  setTimeout(run, 1);
  Atomics.wait(still, 0, 0, BLOCKED_MS);
}

/** When a handler answers. For 'held' a step of the history answers, and for 'never' nothing does. */
const TIMES = {
  now: null,
  microtask: queueMicrotask,
  tick: process.nextTick,
  immediate: setImmediate,
  timer: afterTurns,
};

module.exports = { TIMES, WAYS, body, bytesOf };
