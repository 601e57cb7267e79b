'use strict';
// http.IncomingMessage with a shorter way to make `headers`.
//
// Clients send the same field names in the same order again and again. Node makes `headers` line by line; each line
// needs a lookup of its name and changes the shape of the object. This class instead copies the object of an earlier
// request with the same names, and sets the new values. Such a pattern exists only if each line has become one string
// property. Every other list of lines goes to Node's own getter, and so does every list after somebody has replaced
// `_addHeaderLine`.
//
// Here `headers` is made at first use. Most releases of Node make it before the program sees the request, so it is made
// from a copy of the list, because the program may have changed `rawHeaders`. Later ones (traits.makesHeadersLate) make
// it from `rawHeaders` at first use, too.

const { IncomingMessage, symbols, shortcuts, traits } = require('..');

const { prototype } = IncomingMessage;
const plainAddHeaderLine = prototype._addHeaderLine;
// The property is not configurable, so nobody can have replaced its accessors.
const { get: plainGet, set: plainSet } = Object.getOwnPropertyDescriptor(prototype, 'headers');

/** How many patterns are kept. The one that was used last is the first. */
const PATTERNS = 16;
/** The largest number of lines in a pattern. */
const LINES = 64;

const patterns = [];
let candidate = null; // the names of the last list without a pattern; if they come again, they become one

class Request extends IncomingMessage {
  #lines = null; // names and values, until `headers` is made from them; unused where Node makes it late

  // An implicit constructor would be slower, because it passes on a list of arguments.
  constructor(socket) {
    super(socket);
  }

  get headers() {
    const made = this[symbols.headers];
    if (made) return made;
    const raw = traits.makesHeadersLate ? linesOf(this) : this.#lines;
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

  /** Fixes the value of `headers`, whatever the program does to `rawHeaders` later. */
  static settle(request) {
    if (request[symbols.headers]) return;
    const lines = linesOf(request);
    if (lines !== null) request.#lines = lines.slice();
    else void request.headers;
  }
}
// Makes `req.constructor === http.IncomingMessage`.
Object.defineProperty(Request.prototype, 'constructor', { value: IncomingMessage, writable: true, configurable: true });

/** The lines of a request, or null if Node's own getter has to make `headers` of them. */
function linesOf(request) {
  const { rawHeaders } = request;
  const isPlain = request._addHeaderLine === plainAddHeaderLine && Array.isArray(rawHeaders);
  return isPlain ? rawHeaders : null;
}

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

/** Remembers a list of names, or makes a pattern of it if it came before. */
function learn(raw, length, headers) {
  if (length > 2 * LINES) return;
  const names = [];
  for (let i = 0; i < length; i += 2) names.push(raw[i]);
  if (candidate === null || !matches(candidate, raw, length)) {
    candidate = names;
    return;
  }
  candidate = null;
  // A name may come from the program.
  if (!names.every((name) => typeof name === 'string' && detached(name) === name)) return;
  const keys = Object.keys(headers);
  // Each line must have become one property, in the same order, with the value of the line.
  if (keys.length !== names.length) return;
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] !== names[i].toLowerCase() || headers[keys[i]] !== raw[2 * i + 1]) return;
  }
  patterns.unshift({
    names: names.map(detached),
    keys,
    // JSON.parse makes the object as a literal would. V8 keeps objects that were filled by computed keys as
    // dictionaries.
    blank: JSON.parse(`{${keys.map((key) => `${JSON.stringify(key)}:""`).join()}}`),
  });
  patterns.length = Math.min(patterns.length, PATTERNS);
}

/** A copy of a string that does not refer to the text of which the string may be a part. */
function detached(string) {
  return Buffer.from(string, 'latin1').latin1Slice();
}

/** Fixes the value of `headers` of a request of any class. */
function settle(request) {
  if (request instanceof Request) Request.settle(request);
  else void request.headers;
}

module.exports = { Request: shortcuts.headers.open ? Request : IncomingMessage, settle };
