'use strict';
// Reads a Buffer or an error as Node's console prints it: at most 50 bytes, and how many more there were. For an error
// it also reads code, reason and bytesParsed, if they were printed.

const BUFFER = /<Buffer((?: [0-9a-f]{2})*)\s*(?:\.\.\. (\d+) more bytes?)?\s*>/g;

function property(text, name) {
  return new RegExp(`\\b${name}: (?:'((?:[^'\\\\]|\\\\.)*)'|"((?:[^"\\\\]|\\\\.)*)"|(-?\\d+))`).exec(text);
}

/** The string or number after `name:` in the text. */
function valueOf(text, name) {
  const [, single, double, number] = property(text, name) ?? [];
  if (number !== undefined) return Number(number);
  return (single ?? double)?.replace(/\\(.)/g, '$1');
}

function readConsole(bytes) {
  const text = bytes.toString('utf8');
  const inputs = [];
  let end = 0;
  for (const match of text.matchAll(BUFFER)) {
    const packet = Buffer.from(match[1].replace(/ /g, ''), 'hex');
    const truncated = Number(match[2] ?? 0);
    // The other properties of the error may be before the packet or behind it.
    const next = text.indexOf('<Buffer', match.index + 1);
    const around = text.slice(end, next === -1 ? text.length : next);
    end = match.index + match[0].length;
    const code = valueOf(around, 'code');
    const label = text.match(BUFFER).length > 1 ? `Buffer ${inputs.length + 1}` : '';
    if (typeof code === 'string') {
      const error = { code, reason: valueOf(around, 'reason'), bytesParsed: valueOf(around, 'bytesParsed'), rawPacket: packet };
      inputs.push({ label, error, truncated });
    } else {
      inputs.push({ label, packets: [packet], fin: false, truncated });
    }
  }
  return inputs.length > 0 ? inputs : null;
}

module.exports = { readConsole };
