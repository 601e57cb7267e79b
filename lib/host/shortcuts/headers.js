'use strict';
// http.IncomingMessage with a shorter way to `headers`.
//
// Clients send the same field names in the same order again and again. Node makes `headers` at its
// first use, line by line, each line with a lookup of its name and a change of the object's shape.
// Here the object of an earlier request with the same names is copied, and gets the new values. Only
// objects of as many own string properties as there were lines come from such a pattern; every
// other list goes Node's way, and so do all lists once somebody has replaced the method for lines.
//
// Node has made `headers` before a program sees the request. Here they are made of a copy of the
// list, because programs may change `rawHeaders`.

const { IncomingMessage, symbols, shortcuts } = require('..');

const { prototype } = IncomingMessage;
const plainAddHeaderLine = prototype._addHeaderLine;
// Not configurable: nobody can have put another in its place.
const { get: plainGet, set: plainSet } = Object.getOwnPropertyDescriptor(prototype, 'headers');

/** Patterns that are kept, the one used last first. */
const PATTERNS = 16;
/** Lines of a pattern at the most. */
const LINES = 64;

const patterns = [];
let candidate = null; // names of a list that had no pattern: the second time it gets one

class Request extends IncomingMessage {
  #lines = null; // names and values, as long as `headers` is to be made of them

  // The implied constructor would pass its arguments on as a list.
  constructor(socket) {
    super(socket);
  }

  get headers() {
    const made = this[symbols.headers];
    if (made) return made;
    const raw = this.#lines;
    if (raw === null) return plainGet.call(this);

    this.#lines = null;
    const length = this[symbols.headersCount];
    const pattern = find(raw, length);
    if (pattern !== undefined) return (this[symbols.headers] = fill(pattern, raw));
    const shown = this.rawHeaders;
    this.rawHeaders = raw;
    const headers = plainGet.call(this);
    this.rawHeaders = shown;
    learn(raw, length, headers);
    return headers;
  }

  set headers(value) {
    plainSet.call(this, value);
  }

  /** From here on `headers` is what it is now, whatever the program does. */
  static settle(request) {
    if (request[symbols.headers]) return;
    if (shortcuts.headers.open && request._addHeaderLine === plainAddHeaderLine) request.#lines = request.rawHeaders.slice();
    else void request.headers;
  }
}
// Makes `req.constructor === http.IncomingMessage`.
Object.defineProperty(Request.prototype, 'constructor', { value: IncomingMessage, writable: true, configurable: true });

function find(raw, length) {
  for (let i = 0; i < patterns.length; i++) {
    const pattern = patterns[i];
    if (matches(pattern.names, raw, length)) {
      if (i > 0) {
        patterns.splice(i, 1);
        patterns.unshift(pattern);
      }
      return pattern;
    }
  }
  return undefined;
}

function matches(names, raw, length) {
  if (names.length * 2 !== length) return false;
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== raw[2 * i]) return false;
  }
  return true;
}

function fill({ keys, blank }, raw) {
  const headers = { ...blank };
  for (let i = 0; i < keys.length; i++) headers[keys[i]] = raw[2 * i + 1];
  return headers;
}

/** Remembers a list of names, or makes a pattern of it when it comes again. */
function learn(raw, length, headers) {
  if (length > 2 * LINES) return;
  const names = [];
  for (let i = 0; i < length; i += 2) names.push(raw[i]);
  if (candidate === null || !matches(candidate, raw, length)) {
    candidate = names;
    return;
  }
  candidate = null;
  const keys = Object.keys(headers);
  // Each line its own property, in order, with its own value.
  if (keys.length !== names.length) return;
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] !== names[i].toLowerCase() || headers[keys[i]] !== raw[2 * i + 1]) return;
  }
  patterns.unshift({
    names: names.map(detached),
    keys,
    // As from a literal: V8 keeps objects that were filled under computed keys as dictionaries.
    blank: JSON.parse(`{${keys.map((key) => `${JSON.stringify(key)}:""`).join()}}`),
  });
  patterns.length = Math.min(patterns.length, PATTERNS);
}

/** The string without the text that it may be a part of. */
function detached(string) {
  return Buffer.from(string, 'latin1').latin1Slice();
}

module.exports = { Request };
