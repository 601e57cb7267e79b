'use strict';
// Makes text that is harmless anywhere from bytes that clients have sent: printable ASCII stays, and everything else is
// escaped. So ESC, C1 control characters and marks of writing direction do not pass.

const NAMED = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };

/** Escapes one byte. */
function escapeByte(byte) {
  if (NAMED[byte] !== undefined) return NAMED[byte];
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Escapes a Buffer, or a string that has one character for each byte (latin1). Other characters become \u. */
function escape(text) {
  if (typeof text !== 'string') return Array.from(text, escapeByte).join('');
  return text.replace(/[^\x20-\x5b\x5d-\x7e]/g, (char) => {
    const code = char.charCodeAt(0);
    return code < 256 ? escapeByte(code) : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

module.exports = { escape, escapeByte };
