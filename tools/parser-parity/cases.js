'use strict';

const { SEEDS, TOKENS } = require('./seeds');

const DEFAULTS = { maxHeaderSize: 16384, maxHeaderPairs: 2000 };

const latin1 = (text) => Buffer.from(text, 'latin1');

// The catalogue has every byte value at every position of every seed. This returns its case `index`, or undefined
// behind its end.
const CATALOGUE = SEEDS.reduce((sum, seed) => sum + seed.length * 256, 0);

function catalogued(index) {
  for (const seed of SEEDS) {
    if (index < seed.length * 256) {
      const bytes = latin1(seed);
      bytes[index >> 8] = index & 255;
      return bytes;
    }
    index -= seed.length * 256;
  }
  return undefined;
}

function mutate(random, bytes) {
  const at = random.below(bytes.length + 1);
  const head = bytes.subarray(0, at);
  switch (random.below(9)) {
    case 0: // another byte
      return Buffer.concat([head, Buffer.of(random.below(256)), bytes.subarray(at + 1)]);
    case 1: // one more byte
      return Buffer.concat([head, Buffer.of(random.below(256)), bytes.subarray(at)]);
    case 2: // some bytes fewer
      return Buffer.concat([head, bytes.subarray(at + 1 + random.below(4))]);
    case 3: // a premature end
      return head;
    case 4: { // a part twice
      const part = bytes.subarray(at, at + 1 + random.below(20));
      return Buffer.concat([head, part, bytes.subarray(at)]);
    }
    case 5: { // a splice with another seed
      const other = latin1(random.pick(SEEDS));
      return Buffer.concat([head, other.subarray(random.below(other.length))]);
    }
    case 6: { // a line twice, or moved
      const line = bytes.indexOf('\n', at);
      const end = line < 0 ? bytes.length : bytes.indexOf('\n', line + 1);
      const part = bytes.subarray(line + 1, end < 0 ? bytes.length : end + 1);
      return Buffer.concat([bytes.subarray(0, line + 1), part, bytes.subarray(line + 1)]);
    }
    default: // a piece of grammar
      return Buffer.concat([head, latin1(random.pick(TOKENS)), bytes.subarray(at)]);
  }
}

// Makes cases near the limits, which mutations would not find.
function big(random) {
  const fill = (n) => Buffer.alloc(n, 'x').latin1Slice();
  const near = (n) => Math.max(0, n - 3 + random.below(7));
  switch (random.below(5)) {
    case 0: { // header count, around the groups of Node 20's binding
      let text = 'GET / HTTP/1.1\r\n';
      for (let i = near(random.pick([31, 32, 62, 63, 93])); i > 0; i--)
        text += `h${i}: ${random.chance(80) ? i : ''}\r\n`;
      return text + '\r\n';
    }
    case 1: // header size
      return `GET /${fill(random.below(9000))} HTTP/1.1\r\nA: ${fill(near(7400))}\r\n` +
        `${fill(random.below(200))}: b \t\r\n\r\n`;
    case 2: { // extension size
      const half = near(8192);
      return 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n' +
        `1;${fill(half)}=${random.chance(50) ? `"${fill(near(8190))}"` : fill(near(8192))}` +
        `${random.pick([';', '\r\n', '\n', ' '])}x\r\n0\r\n\r\n`;
    }
    case 3: { // trailer count and size
      let text = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n';
      for (let i = near(random.pick([3, 32, 63])); i > 0; i--)
        text += `t${i}: ${fill(random.below(300))} \r\n`;
      return text + '\r\n';
    }
    default: // a pipeline
      return Array.from({ length: 2 + random.below(6) }, () => random.pick(SEEDS)).join('');
  }
}

function cut(random, bytes) {
  const points = new Set();
  switch (random.below(6)) {
    case 0:
    case 1:
      break;
    case 2:
      for (let i = 1; i < Math.min(bytes.length, 400); i++)
        points.add(i);
      break;
    case 3:
      for (let i = 1; i < bytes.length; i++) {
        const boundary = ' \r\n:,;='.includes(String.fromCharCode(bytes[i - 1])) ||
          ' \r\n:,;='.includes(String.fromCharCode(bytes[i]));
        if (boundary && random.chance(30))
          points.add(i);
      }
      break;
    default:
      for (let i = 1 + random.below(4); i > 0 && bytes.length > 1; i--)
        points.add(1 + random.below(bytes.length - 1));
  }
  const packets = [];
  let from = 0;
  for (const point of [...points].sort((a, b) => a - b)) {
    packets.push(bytes.subarray(from, point));
    from = point;
  }
  if (from < bytes.length)
    packets.push(bytes.subarray(from));
  return packets;
}

function lenient(random, max) {
  const choice = random.below(100);
  if (choice < 55)
    return 0;
  if (choice < 70)
    return 1023;
  if (choice < 85)
    return (1 << random.below(11)) & max;
  return random.below(2048) & max;
}

function options(random, max) {
  const test = {
    ...DEFAULTS,
    lenient: lenient(random, max),
    accept: random.chance(30),
    fin: random.chance(70),
    fastPath: random.chance(50),
  };
  if (random.chance(15))
    test.maxHeaderSize = 1 + random.below(120);
  if (random.chance(15))
    test.maxHeaderPairs = random.pick([-2, 0, 2, 4, 6, 10, 62, 64, 124, 126]);
  return test;
}

// Returns the case with this number. If `catalogue` is set, the whole catalogue comes first.
function make(random, max, catalogue, index) {
  const test = options(random, max);
  let bytes = catalogue ? catalogued(index) : undefined;
  if (bytes === undefined) {
    bytes = latin1(random.chance(1) ? big(random) : random.pick(SEEDS));
    for (let i = random.below(5); i > 0; i--)
      bytes = mutate(random, bytes);
    if (random.chance(20))
      bytes = Buffer.concat([bytes, latin1(random.pick(SEEDS))]);
  }
  test.packets = cut(random, bytes);
  return test;
}

module.exports = { CATALOGUE, DEFAULTS, cut, make };
