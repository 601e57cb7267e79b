'use strict';
// The option `refusals.replies`: replies that clients get instead of Node's default replies. They are checked and
// prepared once. Rust fills in the placeholders, and sends them to new connections without JavaScript.

const http = require('http');
const { bad, checkKeys, checkObject } = require('./check');

const KEYS = new Set(['status', 'headers', 'body']);
const ADDED = new Set(['content-length', 'connection', 'transfer-encoding']);
const LARGEST = 16 * 1024;
const PLAIN = 0, JSON_TEXT = 1, HTML = 2; // as NativeServer.setReplies takes them

/** The codes that may have a reply. They are in the binary; null without one. */
const CODES = (() => {
  try {
    return new Set([...require('../native').codes(), 'default']);
  } catch {
    return null;
  }
})();

function escapeOf(type) {
  if (/^[^;]*\bjson\b/i.test(type)) return JSON_TEXT;
  return /^[^;]*\b(?:html|xml)\b/i.test(type) ? HTML : PLAIN;
}

function headOf(name, status, headers) {
  const lines = [`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'Unknown'}`];
  for (const [field, value] of Object.entries(headers)) {
    if (ADDED.has(field.toLowerCase())) {
      throw bad('ERR_INVALID_ARG_VALUE', `The option ${name}.headers may not have ${field}, which is added`);
    }
    http.validateHeaderName(field);
    http.validateHeaderValue(field, value);
    lines.push(`${field}: ${value}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1');
}

function replyOf(code, reply) {
  const name = `refusals.replies.${code}`;
  checkKeys(name, checkObject(name, reply), KEYS);
  const { status, headers = {}, body = '' } = reply;
  if (!Number.isInteger(status)) throw bad('ERR_INVALID_ARG_TYPE', `The option ${name}.status must be a whole number`);
  if (status < 400 || status > 599) throw bad('ERR_INVALID_ARG_VALUE', `The option ${name}.status must be from 400 to 599. Received ${status}`);
  if (typeof body !== 'string') throw bad('ERR_INVALID_ARG_TYPE', `The option ${name}.body must be a string`);
  const head = headOf(name, status, checkObject(`${name}.headers`, headers));
  const bytes = Buffer.from(body, 'utf8');
  if (head.length + bytes.length > LARGEST) {
    throw bad('ERR_INVALID_ARG_VALUE', `The option ${name} is larger than ${LARGEST} bytes`);
  }
  const type = Object.entries(headers).find(([field]) => field.toLowerCase() === 'content-type')?.[1] ?? '';
  return { code, status, head, body: bytes, escape: escapeOf(String(type)) };
}

/** Checks the option, and returns the replies as a list. */
function checkReplies(replies) {
  checkKeys('refusals.replies', checkObject('refusals.replies', replies), CODES ?? new Set(Object.keys(replies)));
  return Object.entries(replies).map(([code, reply]) => replyOf(code, reply));
}

/** Gives a server's replies to Rust. */
function setReplies(native, replies) {
  if (replies.length === 0) return;
  const all = (key) => replies.map((reply) => reply[key]);
  native.setReplies(all('code'), all('status'), all('head'), all('body'), all('escape'));
}

const ESCAPES = {
  [PLAIN]: (text) => text.replace(/[^\x20-\x7e]/g, '?'),
  [JSON_TEXT]: (text) => text.replace(/[^\x20-\x7e]|["\\]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
  [HTML]: (text) => text.replace(/[^\x20-\x7e]|[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`),
};

/** Makes the bytes of a reply where Rust does not make them. `values` are latin1 strings. */
function replyTo({ head, body, escape }, values) {
  const text = body.toString('latin1').replace(/\{(code|reason|field|id)\}/g, (_, name) => ESCAPES[escape](values[name]));
  return Buffer.concat([head, Buffer.from(`Content-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`, 'latin1')]);
}

module.exports = { checkReplies, setReplies, replyTo };
