'use strict';
// Bytes of strangers as text that is harmless anywhere: printable ASCII, everything else escaped.
// ESC, C1 controls and marks of direction cannot get through it.

const NAMED = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };

/** One byte. */
function escapeByte(byte) {
  if (NAMED[byte] !== undefined) return NAMED[byte];
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** A Buffer, or a string that stands for bytes of latin1 (others are escaped as \u). */
function escape(text) {
  if (typeof text !== 'string') return Array.from(text, escapeByte).join('');
  return text.replace(/[^\x20-\x5b\x5d-\x7e]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 256 ? escapeByte(code) : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

module.exports = { escape, escapeByte };
