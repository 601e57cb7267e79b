'use strict';
// Reads the output of HAProxy's `show errors`: a head with time and peer, then the refused bytes, escaped, after their
// offsets. `+` after an offset continues the line before.

const LINE = /^ {1,3}(\d{5})([+ ]) (.*)$/;
const HEAD = /^\[(.+?)\] (?:frontend|backend|proxy) (\S+) \(#-?\d+\): (invalid|complete) (\w+)/;
const ESCAPES = { t: 9, n: 10, r: 13, e: 27 };

function unescape(text) {
  const bytes = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      bytes.push(text.charCodeAt(i) & 0xff);
      continue;
    }
    const next = text[++i];
    if (next === 'x') {
      bytes.push(parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else {
      bytes.push(ESCAPES[next] ?? next.charCodeAt(0));
    }
  }
  return Buffer.from(bytes);
}

function readHaproxy(bytes) {
  const lines = bytes.toString('latin1').split(/\r?\n/);
  if (!lines.some((line) => HEAD.test(line))) return null;
  const inputs = [];
  let current;
  for (const line of lines) {
    const [, time, proxy, , what] = HEAD.exec(line) ?? [];
    if (time !== undefined) {
      current = { label: `${proxy}, ${time}`, pieces: [], length: 0, truncated: 0 };
      if (what === 'request') inputs.push(current);
      continue;
    }
    const [, offset, , text] = LINE.exec(line) ?? [];
    if (offset === undefined || current === undefined) continue;
    const piece = unescape(text);
    // HAProxy cuts a long buffer in the middle.
    if (Number(offset) > current.length) current.truncated += Number(offset) - current.length;
    current.pieces.push(piece);
    current.length = Number(offset) + piece.length;
  }
  return inputs.filter(({ pieces }) => pieces.length > 0)
    .map(({ label, pieces, truncated }) => ({ label, packets: [Buffer.concat(pieces)], fin: false, truncated }));
}

module.exports = { readHaproxy };
