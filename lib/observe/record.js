'use strict';
// Turns refusals as Rust writes them (src/observe/json.rs) into those of index.d.ts.

/** Makes a Refusal from parsed JSON. */
function toRefusal(told) {
  if (told.excerpt !== undefined) told.excerpt.bytes = Buffer.from(told.excerpt.bytes, 'latin1');
  return told;
}

/** Makes a Refusal for JSON, with bytes as hexadecimal digits. */
function toJSON(refusal) {
  const { excerpt } = refusal;
  if (excerpt === undefined) return refusal;
  return { ...refusal, excerpt: { ...excerpt, bytes: excerpt.bytes.toString('hex') } };
}

module.exports = { toRefusal, toJSON };
