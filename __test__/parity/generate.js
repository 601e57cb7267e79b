'use strict';

// Makes the cases of the parity runs: byte sequences, and the ways to cut them into packets. A case depends only on the
// seed and its number.

const { Random } = require('./random.js');
const { REFUSED, TEMPLATES, TOKENS, VALID } = require('./seeds.js');

const SEEDS = [...VALID, ...REFUSED].map((text) => Buffer.from(text, 'latin1'));
const GOOD = VALID.map((text) => Buffer.from(text, 'latin1'));

// ---- The catalogue: every byte at every position of each template --------------------------

const CATALOGUE = TEMPLATES.map((text) => Buffer.from(text, 'latin1'));
// The byte replaces the present one, or comes before it.
const WAYS = 2;
const CATALOGUE_SIZE = CATALOGUE.reduce((sum, { length }) => sum + length * 256 * WAYS, 0);
// Coprime to the size, so that strides through the catalogue visit all of it.
const STRIDE = 1_000_003;

function fromCatalogue(index) {
  let rest = index % CATALOGUE_SIZE;
  for (const template of CATALOGUE) {
    const size = template.length * 256 * WAYS;
    if (rest >= size) {
      rest -= size;
      continue;
    }
    const byte = Buffer.of(rest & 0xff);
    const at = (rest >> 8) % template.length;
    const skip = (rest >> 8) < template.length ? 1 : 0;
    return Buffer.concat([template.subarray(0, at), byte, template.subarray(at + skip)]);
  }
  throw new RangeError('beyond the catalogue');
}

// ---- Mutations ------------------------------------------------------------------------------

const MUTATIONS = [
  function flip(random, bytes) {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[random.below(copy.length)] = random.below(256);
    return copy;
  },
  function insertToken(random, bytes) {
    const at = random.between(0, bytes.length);
    const token = Buffer.from(random.pick(TOKENS), 'latin1');
    return Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(at)]);
  },
  function insertLine(random, bytes) {
    const at = bytes.indexOf('\r\n');
    if (at === -1) return bytes;
    const line = Buffer.from(random.pick(TOKENS.filter((token) => token.endsWith('\r\n'))), 'latin1');
    return Buffer.concat([bytes.subarray(0, at + 2), line, bytes.subarray(at + 2)]);
  },
  function remove(random, bytes) {
    const at = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + random.between(1, random.chance(0.7) ? 2 : 20));
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  },
  function repeat(random, bytes) {
    const at = random.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + random.between(1, 30));
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
  },
  function changeCase(random, bytes) {
    const copy = Buffer.from(bytes);
    const at = random.below(copy.length + 1);
    for (let i = at; i < Math.min(copy.length, at + 8); i++) {
      if (/[a-z]/i.test(String.fromCharCode(copy[i]))) copy[i] ^= 0x20;
    }
    return copy;
  },
  function changeLineEnd(random, bytes) {
    const ends = [];
    for (let at = bytes.indexOf('\r\n'); at !== -1; at = bytes.indexOf('\r\n', at + 1)) ends.push(at);
    if (ends.length === 0) return bytes;
    const at = random.pick(ends);
    const end = Buffer.from(random.pick(['\n', '\r', '\r\r\n', '\r\n\n', '\r\n ', ' \r\n', '\t\r\n', '']));
    return Buffer.concat([bytes.subarray(0, at), end, bytes.subarray(at + 2)]);
  },
  function swap(random, bytes) {
    const copy = Buffer.from(bytes);
    if (copy.length < 2) return copy;
    const at = random.below(copy.length - 1);
    [copy[at], copy[at + 1]] = [copy[at + 1], copy[at]];
    return copy;
  },
  function lengthen(random, bytes) {
    const at = random.between(0, bytes.length);
    const byte = random.pick(['a', '0', ' ', '\t', '/', 'A: b\r\n', ';a=b']);
    const run = Buffer.from(byte.repeat(random.between(2, random.chance(0.9) ? 60 : 400)));
    return Buffer.concat([bytes.subarray(0, at), run, bytes.subarray(at)]);
  },
];

function mutate(random, bytes, most = 4) {
  let result = bytes;
  for (let n = random.between(1, most); n > 0; n--) result = random.pick(MUTATIONS)(random, result);
  return result;
}

function somewhere(random, bytes) {
  return random.between(0, bytes.length);
}

const KINDS = [
  function mutation(random) {
    return mutate(random, random.pick(SEEDS));
  },
  function splice(random) {
    const first = random.pick(SEEDS);
    const second = random.pick(SEEDS);
    return Buffer.concat([first.subarray(0, somewhere(random, first)),
      second.subarray(somewhere(random, second))]);
  },
  function pipeline(random) {
    const parts = [];
    for (let n = random.between(2, 4); n > 0; n--) {
      parts.push(random.chance(0.8) ? random.pick(GOOD) : random.pick(SEEDS));
    }
    if (random.chance(0.5)) parts.push(mutate(random, random.pick(SEEDS), 2));
    return Buffer.concat(parts);
  },
  function prematureEnd(random) {
    const bytes = random.chance(0.5) ? random.pick(GOOD) : mutate(random, random.pick(SEEDS), 2);
    return bytes.subarray(0, somewhere(random, bytes));
  },
];

// ---- Cuts -----------------------------------------------------------------------------------

function cutAt(bytes, places) {
  const packets = [];
  let from = 0;
  for (const at of [...new Set(places)].sort((a, b) => a - b)) {
    if (at <= from || at >= bytes.length) continue;
    packets.push(bytes.subarray(from, at));
    from = at;
  }
  packets.push(bytes.subarray(from));
  return packets;
}

const MOST_SINGLE_BYTES = 150;

const CUTS = {
  whole: (random, bytes) => [bytes],
  'each byte': (random, bytes) => (bytes.length <= MOST_SINGLE_BYTES ?
    cutAt(bytes, bytes.keys()) : CUTS.random(random, bytes)),
  boundary: (random, bytes) => cutAt(bytes, [random.between(1, bytes.length)]),
  lines: (random, bytes) => cutAt(bytes, [...bytes.keys()].filter((at) => bytes[at - 1] === 0x0a)),
  random: (random, bytes) => cutAt(bytes,
    Array.from({ length: random.between(2, 6) }, () => random.between(1, bytes.length))),
};
// How often each is used, of 16.
const CUT_SHARES = [['whole', 6], ['boundary', 4], ['random', 3], ['lines', 2], ['each byte', 1]]
  .flatMap(([name, share]) => Array(share).fill(name));

/** The bytes of case `index`, and the kind of its making. */
function bytesOf(seed, index) {
  const random = new Random(seed, index);
  // Every fourth case comes from the catalogue.
  if (index % 4 === 0) {
    const at = (((index / 4) * STRIDE) % CATALOGUE_SIZE + (seed % CATALOGUE_SIZE) * 7919) % CATALOGUE_SIZE;
    return { kind: 'catalogue', bytes: fromCatalogue(at), random };
  }
  const kind = random.pick(KINDS);
  return { kind: kind.name, bytes: kind(random), random };
}

/** Case `index` of a seed: `{ kind, cut, packets }`. An empty packet is never sent. */
function generate(seed, index) {
  const { kind, bytes, random } = bytesOf(seed, index);
  const cut = random.pick(CUT_SHARES);
  const packets = CUTS[cut](random, bytes).filter(({ length }) => length > 0);
  return { kind, cut, packets, random };
}

module.exports = { CATALOGUE_SIZE, bytesOf, generate };
