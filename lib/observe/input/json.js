'use strict';
// Reads errors that were logged as JSON: one object, an array, or one object in each line (pino, bunyan). The error may
// be anywhere in the object. Its packet may be what Buffer.toJSON makes, an array, or a string of hexadecimal digits or
// base64. It also reads refusals that `--json` and the page write.

const DEPTH = 6;

function toBytes(value) {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value?.data)) return Buffer.from(value.data);
  if (Array.isArray(value)) return Buffer.from(value);
  if (typeof value === 'string') {
    const isHex = value.length % 2 === 0 && /^[0-9a-f]+$/i.test(value);
    return Buffer.from(value, isHex ? 'hex' : 'base64');
  }
  if (typeof value !== 'object') return undefined;
  // JSON.stringify writes a typed array as an object with the indexes as keys.
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every((key, i) => key === String(i)) ? Buffer.from(Object.values(value)) : undefined;
}

function* errorsIn(value, depth = 0) {
  if (value === null || typeof value !== 'object' || depth > DEPTH) return;
  const packet = toBytes(value.rawPacket);
  if (packet !== undefined) {
    yield { code: value.code, reason: value.reason, bytesParsed: value.bytesParsed, rawPacket: packet };
    return;
  }
  if (value.type === 'Buffer' && Array.isArray(value.data)) {
    yield { rawPacket: Buffer.from(value.data) };
    return;
  }
  for (const member of Object.values(value)) yield* errorsIn(member, depth + 1);
}

function toInput(error, label) {
  if (typeof error.code === 'string') return { label, error };
  return { label, packets: [error.rawPacket], fin: false };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readJson(bytes) {
  const text = bytes.toString('utf8').trim();
  if (!/^[{[]/.test(text) && !/\n\s*\{/.test(text)) return null;
  const whole = parse(text);
  if (whole !== undefined) {
    const errors = [...errorsIn(whole)];
    return errors.length > 0 ? errors.map((error, i) => toInput(error, errors.length > 1 ? `error ${i + 1}` : '')) : null;
  }
  const inputs = [];
  for (const [number, line] of text.split('\n').entries()) {
    for (const error of errorsIn(parse(line))) inputs.push(toInput(error, `line ${number + 1}`));
  }
  return inputs.length > 0 ? inputs : null;
}

module.exports = { readJson };
