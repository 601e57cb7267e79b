'use strict';
// Refusals as Rust tells them (src/observe/json.rs), made what index.d.ts promises.

/** Makes a Refusal of what was parsed from JSON. */
function toRefusal(told) {
  if (told.excerpt !== undefined) told.excerpt.bytes = Buffer.from(told.excerpt.bytes, 'latin1');
  return told;
}

/** A Refusal for JSON: bytes as hexadecimal digits. */
function toJSON(refusal) {
  const { excerpt } = refusal;
  if (excerpt === undefined) return refusal;
  return { ...refusal, excerpt: { ...excerpt, bytes: excerpt.bytes.toString('hex') } };
}

module.exports = { toRefusal, toJSON };
