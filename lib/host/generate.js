'use strict';
// Makes cases for the comparison of Node's parser and ferrohttp's: the shipped cases, changed at random. The same seed
// makes the same cases.

const INTERESTING = ['\r\n', '\n', '\r', '\0', ' ', '\t', ':', ',', ';', '"', '\x7f', '\x80', '\xff', '0', '-', '+', 'chunked', 'close',
  'Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip\r\n', 'Connection: close\r\n',
  'Connection: upgrade\r\n', 'Upgrade: x\r\n', 'Host: b\r\n', 'HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0', 'POST ', 'CONNECT '];

/** Numbers below `limit`, by mulberry32. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

function mutate(text, random, cases) {
  const at = random(text.length + 1);
  const pick = () => INTERESTING[random(INTERESTING.length)];
  switch (random(7)) {
    case 0: return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1);
    case 1: return text.slice(0, at) + pick() + text.slice(at);
    case 2: return text.slice(0, at) + text.slice(at + 1 + random(8));
    case 3: return text.slice(0, at) + text.slice(random(text.length + 1));
    case 4: return text + cases[random(cases.length)].packets.join('');
    case 5: { // a line more, somewhere
      const line = text.indexOf('\n', at) + 1;
      return text.slice(0, line) + pick() + text.slice(line);
    }
    default: return text.slice(0, at) + text.slice(at).replace(/[a-z]/i, (letter) =>
      (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()));
  }
}

function cut(text, random) {
  const packets = [];
  while (text.length > 1 && random(3) > 0) {
    const at = 1 + random(text.length - 1);
    packets.push(text.slice(0, at));
    text = text.slice(at);
  }
  return [...packets, text];
}

/** @param cases the shipped cases, as an array */
function* generatedCases(cases, count, seed) {
  const random = randomFrom(seed);
  for (let i = 0; i < count; i++) {
    const { title, packets, options } = cases[random(cases.length)];
    let text = packets.join('').slice(0, 2048);
    for (let times = random(4); times >= 0; times--) text = mutate(text, random, cases);
    yield { title: `case ${i + 1}, made of '${title}'`, packets: cut(text, random), options };
  }
}

module.exports = { generatedCases };
