'use strict';
// Reads bytes as hexadecimal digits: plain, or as xxd, `hexdump -C` and `xxd -i` print them.

/** Reads plain digits, with blanks, line breaks, commas, colons, \x or 0x between them. */
function readHex(bytes, wanted) {
  const text = bytes.toString('latin1');
  if (!/[0-9a-f]{2}/i.test(text) || /[^0-9a-fx\s,:\\]/i.test(text)) return null;
  const digits = text.replace(/0x|\\x/gi, '').replace(/[\s,:]/g, '');
  if (/[^0-9a-f]/i.test(digits) || digits.length % 2 !== 0) return null;
  // A word of letters is more likely text than digits.
  if (!wanted && digits.length < 8) return null;
  return [{ label: '', packets: [Buffer.from(digits, 'hex')], fin: false }];
}

// A line has an offset, digits in groups, and at the end the printable characters.
const XXD = /^([0-9a-f]{7,8}):((?: [0-9a-f]{2,8})+)(?: {1,}.*)?$/i;
const HEXDUMP = /^([0-9a-f]{7,8}) {2}((?: ?[0-9a-f]{2} ?)+)(?: *\|.*\|?)?$/i;

/** Reads the output of `xxd` and `hexdump -C`. */
function readDump(bytes) {
  const lines = bytes.toString('latin1').split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) return null;
  const pieces = [];
  let length = 0;
  for (const line of lines) {
    if (/^[0-9a-f]{7,8}$/i.test(line)) continue; // hexdump's last line is the length
    if (line.trim() === '*') return null; // hexdump left out lines
    const [, offset, digits] = XXD.exec(cut(line)) ?? HEXDUMP.exec(line) ?? [];
    if (offset === undefined || parseInt(offset, 16) !== length) return null;
    const piece = Buffer.from(digits.replace(/ /g, ''), 'hex');
    pieces.push(piece);
    length += piece.length;
  }
  return [{ label: '', packets: [Buffer.concat(pieces)], fin: false }];
}

/** Removes the text at the end of a line of xxd. Two spaces are before it. */
function cut(line) {
  const end = line.indexOf('  ', 8);
  return end === -1 ? line : line.slice(0, end);
}

module.exports = { readHex, readDump };
