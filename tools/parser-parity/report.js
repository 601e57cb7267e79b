'use strict';

const { DEFAULTS } = require('./cases');

// The first lines in which two transcripts differ.
function firstDifference(expected, actual) {
  const a = expected.split('\n');
  const b = actual.split('\n');
  const at = a.findIndex((line, i) => line !== b[i]);
  return at < 0 ? ['', b[a.length] ?? ''] : [a[at], b[at] ?? ''];
}

const word = (line) => line.replace(/^(error|again|eof) /, '$1:').replace(/[@0-9].*$/, '@').slice(0, 60);

const report = {
  // Differences of one kind are shown once.
  kind(test, expected, actual) {
    const [a, b] = firstDifference(expected, actual);
    const short = (line) => (/^(error|again|eof|@)/.test(line) ? word(line) : line.split(' ', 1)[0]);
    return `${short(a)} | ${short(b)} | ${test.lenient === 0 ? 'strict' : 'lenient'}`;
  },

  show(test, expected, actual) {
    const [a, b] = firstDifference(expected, actual);
    const set = Object.entries(test)
      .filter(([key, value]) => key !== 'packets' && value && value !== DEFAULTS[key])
      .map(([key, value]) => `${key}=${value}`);
    return `packets  ${test.packets.map((packet) => JSON.stringify(packet.latin1Slice())).join(' ')}\n` +
      `options  ${set.join(' ') || 'default'}\n` +
      `node     ${JSON.stringify(a)}\n` +
      `native   ${JSON.stringify(b)}\n`;
  },
};

// Smaller cases to try: with packets merged, bytes dropped, or options set to their defaults.
function* smaller(test) {
  const { packets } = test;
  for (let i = 0; i + 1 < packets.length; i++) {
    const merged = Buffer.concat([packets[i], packets[i + 1]]);
    yield { ...test, packets: [...packets.slice(0, i), merged, ...packets.slice(i + 2)] };
  }
  for (let size = 64; size >= 1; size >>= 2) {
    for (const [i, packet] of packets.entries()) {
      for (let at = 0; at < packet.length; at += size) {
        const rest = Buffer.concat([packet.subarray(0, at), packet.subarray(at + size)]);
        const others = rest.length > 0 ? [rest] : [];
        yield { ...test, packets: [...packets.slice(0, i), ...others, ...packets.slice(i + 1)] };
      }
    }
  }
  for (const [key, value] of Object.entries({ ...DEFAULTS, accept: false, fin: false, fastPath: false })) {
    if (test[key] !== value)
      yield { ...test, [key]: value };
  }
  for (let bit = 1; bit <= test.lenient; bit <<= 1) {
    if (test.lenient & bit)
      yield { ...test, lenient: test.lenient & ~bit };
  }
}

async function shrink(test, node, hangs, native) {
  let best = { test, expected: node(test), actual: await native(test) };
  for (let budget = 3000, found = true; found && budget > 0;) {
    found = false;
    for (const candidate of smaller(best.test)) {
      if (--budget <= 0)
        break;
      if (hangs(candidate))
        continue;
      const expected = node(candidate);
      const actual = await native(candidate);
      if (expected !== actual) {
        best = { test: candidate, expected, actual };
        found = true;
        break;
      }
    }
  }
  return best;
}

module.exports = { report, shrink };
