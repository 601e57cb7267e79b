'use strict';
// Reads the records of a delivery one after the other, and calls the connection for each. docs/architecture.md,
// 'Deliveries', has the layout of records.
//
// Numbers, long strings and blobs are in memory that the next delivery overwrites. A callback of the program can cause
// another delivery while this one is read: if it writes to a Duplex that was given to the server, the packet is parsed
// at once. So whoever makes the engine produce such a delivery calls `keep` first.

const { fieldNames, methods } = require('../native');
const { callbackError, internalError, parseError, systemError } = require('../errors');
const { readEnded } = require('../socket/hold');
const { emitClosed } = require('../socket/closing');
const { settled } = require('../socket/output');
const { forget } = require('../socket/places');
const { runTicks } = require('../host');
const layout = require('../layout');
const { native, meta, strings } = require('../engine');

const METHODS = internalized(methods());
const FIELD_NAMES = internalized(fieldNames());

const { OVERFLOWN, SEEN, RECORDS, SHORT_BLOB } = layout.delivery;
const {
  HEAD, BODY, COMPLETE, FAILED, PARKED, END, SOCKET_ERROR, WRITTEN, SHUTDOWN, CLOSED, UPGRADED, FLUSHED,
} = layout.record;
const { KNOWN_NAME, KEPT, PANICKED } = layout.place;
// The number of header lines that Node's binding hands over at once. For a head with more lines it enters JavaScript
// once more. After such a head, or after trailers, it does so for every head. Ticks run each time.
const { FLUSH_AFTER } = layout.limit;
// The errors with which Node's parser refuses packets after one of its callbacks threw.
const THREW = {
  head: { code: 'HPE_CB_HEADERS_COMPLETE', reason: 'User callback error' },
  body: { code: 'HPE_JS_EXCEPTION', reason: 'JS Exception' },
  end: { code: 'HPE_CB_MESSAGE_COMPLETE', reason: 'User callback error' },
};
// What a short blob is copied out of. A copy in JavaScript is faster than a Buffer that is made by Node-API.
const shortBlob = Buffer.from(meta.buffer, meta.byteLength - SHORT_BLOB, SHORT_BLOB);
const copyOf = Function.prototype.call.bind(Uint8Array.prototype.slice);
const SYSCALLS = { [layout.syscall.READ]: 'read', [layout.syscall.WRITE]: 'write' };

/**
 * The same strings as names of properties are. V8 compares these with those in the text of a program by their
 * addresses.
 */
function internalized(strings) {
  const names = { __proto__: null }; // V8 keeps the properties of such an object in a table, which takes less memory
  for (const string of strings) names[string] = true;
  return Object.keys(names);
}

/** Reads the records of one delivery. */
class Cursor {
  constructor() {
    this.numbers = meta;
    this.at = 0; // index of the number that is read next
    this.end = 0;
    this.text = '';
    this.cut = 0; // offset of the next string in the text
    this.strings = strings;
    this.blobs = null; // the blobs, after `keep`
    this.token = 0; // the token of the refusal that Rust has seen in this delivery
    this.length = 0; // of the packet
    this.short = 0; // the length of the first blob if it is a short one
    this.threw = null; // the error for later packets, if the callback that runs now throws
    this.packet = undefined; // the packet, if JavaScript has read it; then an error's rawPacket is this object
  }

  open(text, packet) {
    const numbers = meta[2] & OVERFLOWN ? native.meta() : meta;
    this.numbers = numbers;
    this.at = RECORDS;
    this.end = numbers[0];
    this.text = text;
    this.cut = 0;
    this.token = numbers[2] >>> SEEN;
    this.length = numbers[3];
    this.short = numbers[4];
    this.packet = packet;
  }

  /** Copies what was not read yet, because the next delivery overwrites that memory. */
  keep() {
    if (this.strings !== strings) return;
    this.numbers = this.numbers.slice(0, this.end);
    this.strings = strings.slice();
    const blobs = [];
    for (let { at } = this; at < this.end; at += lengthOf(this.numbers, at)) {
      const place = blobIn(this.numbers, at);
      if (place !== 0) blobs[this.numbers[place]] = this.takeBlob(this.numbers[place]);
    }
    this.blobs = blobs;
  }

  close() {
    this.text = '';
    this.packet = undefined;
    if (this.strings !== strings) {
      this.strings = strings;
      this.blobs = null;
    }
  }

  number() {
    return this.numbers[this.at++];
  }

  blob() {
    const index = this.numbers[this.at++];
    return this.blobs === null ? this.takeBlob(index) : this.blobs[index];
  }

  takeBlob(index) {
    return index === 0 && this.short > 0 ? copyOf(shortBlob, 0, this.short) : native.blob(index);
  }

  string(length) {
    if ((length & KEPT) !== 0) return this.strings[length ^ KEPT];
    const from = this.cut;
    this.cut = from + length;
    return this.text.slice(from, this.cut);
  }

  /** Reads `count` names and values as a flat array. */
  fields(count) {
    const { numbers, text, strings: long } = this;
    let { at, cut } = this;
    const list = new Array(2 * count);
    for (let i = 0; i < 2 * count; i += 2) {
      const name = numbers[at++];
      if ((name & KNOWN_NAME) !== 0) {
        list[i] = FIELD_NAMES[name ^ KNOWN_NAME];
      } else if ((name & KEPT) !== 0) {
        list[i] = long[name ^ KEPT];
      } else {
        list[i] = text.slice(cut, cut + name);
        cut += name;
      }
      const value = numbers[at++];
      if ((value & KEPT) !== 0) {
        list[i + 1] = long[value ^ KEPT];
      } else {
        list[i + 1] = text.slice(cut, cut + value);
        cut += value;
      }
    }
    this.at = at;
    this.cut = cut;
    return list;
  }
}

/** The number of numbers in the record at `at`. */
function lengthOf(numbers, at) {
  switch (numbers[at]) {
    case HEAD: return 6 + 2 * numbers[at + 5];
    case COMPLETE: return 2 + 2 * numbers[at + 1];
    case FAILED: return 5;
    case END: return 4;
    case SOCKET_ERROR: return 3;
    case BODY: case WRITTEN: case SHUTDOWN: case UPGRADED: return 2;
    default: return 1;
  }
}

/** The place in the record at `at` that has the index of a blob; 0 if it has none. */
function blobIn(numbers, at) {
  switch (numbers[at]) {
    case BODY: case UPGRADED: return at + 1;
    case FAILED: return at + 4;
    default: return 0;
  }
}

/** The cursor for all deliveries, except those that come while another one is read. */
const usual = new Cursor();
let current = null;

/** Prepares the delivery that is being read, if there is one, for another delivery. */
function keep() {
  current?.keep();
}

/**
 * Reads all records of the delivery, and calls the connection of `socket` for each. `packet` is the packet, if
 * JavaScript has read it.
 */
function tell(socket, text, packet) {
  const outer = current;
  const cursor = outer === null ? usual : new Cursor();
  cursor.open(text, packet);
  const { parser } = socket;
  // A stream may bring a packet while an earlier one is dispatched. The rest of the earlier one belongs to its own
  // request.
  const interrupted = parser?.dispatching ? parser.incoming : undefined;
  if (parser) parser.dispatching = true;
  current = cursor;
  let refused;
  try {
    refused = tellRecords(cursor, socket);
  } finally {
    current = outer;
    if (cursor.threw !== null) {
      parser?.fail({ error: cursor.threw, bytesParsed: cursor.length });
      cursor.threw = null;
    }
    cursor.close();
    if (parser) parser.dispatching = interrupted !== undefined;
  }
  const connection = socket.parser;
  if (connection && !refused) finishPacket(connection);
  if (interrupted !== undefined && connection === parser) parser.incoming = interrupted;
}

function finishPacket(connection) {
  const { incoming } = connection;
  if (incoming === null) return;
  if (incoming.upgrade && !incoming.complete) inScope(connection, connection.onUpgrade, null);
  // Node destroys the socket after a packet whose last request is PRI. Only HTTP/0.9 allows such a request.
  else if (incoming.method === 'PRI') connection.socket.destroy();
}

/** Returns true if the packet was refused. */
function tellRecords(cursor, socket) {
  let refused = false;
  while (cursor.at < cursor.end) {
    // A callback may have ended HTTP on the socket, so each record looks for the connection again.
    const connection = socket.parser;
    switch (cursor.number()) {
      case HEAD:
        tellHead(cursor, connection);
        break;
      case BODY: {
        const chunk = cursor.blob();
        if (!connection) break;
        cursor.threw = THREW.body;
        inScope(connection, connection.onBody, chunk);
        // Node's binding enters JavaScript once more for each run of body bytes.
        if (connection.consumed) runTicks();
        cursor.threw = null;
        break;
      }
      case COMPLETE: {
        const count = cursor.number();
        const trailers = count > 0 ? cursor.fields(count) : null;
        if (!connection) break;
        if (trailers !== null) flushed(connection);
        cursor.threw = THREW.end;
        inScope(connection, connection.onComplete, trailers);
        cursor.threw = null;
        break;
      }
      case FLUSHED:
        if (connection) flushed(connection);
        break;
      case FAILED: {
        refused = true;
        const code = cursor.number();
        const reason = cursor.number();
        const bytesParsed = cursor.number() | 0;
        const blob = cursor.blob();
        if (connection) {
          const packet = cursor.packet ?? blob;
          const { fault } = connection;
          inScope(connection, connection.onFailed, fault === null ?
            parseError(code, reason, bytesParsed, packet, cursor.token) : callbackError(fault.error, fault.bytesParsed, packet));
        }
        break;
      }
      case PARKED:
        connection?.onParked(cursor.packet);
        break;
      case UPGRADED: {
        const head = cursor.blob();
        if (connection) inScope(connection, connection.onUpgrade, head);
        break;
      }
      case END: {
        const code = cursor.number();
        const reason = cursor.number();
        const completes = cursor.number() === 1;
        const verdict = code === 0 ? null : parseError(code - 1, reason, 0, undefined, cursor.token);
        // If Rust has read FIN, the stream ends now, and the connection uses the verdict in 'end'.
        if (connection?.onFin(verdict, completes)) break;
        readEnded(socket);
        socket.push(null);
        socket.read(0);
        break;
      }
      case SOCKET_ERROR: {
        const errno = cursor.number();
        const syscall = SYSCALLS[cursor.number()];
        socket.destroy(errno === PANICKED ? internalError() : systemError(-errno, syscall, cursor.token));
        break;
      }
      case WRITTEN:
        settled(socket, cursor.number(), 'write');
        break;
      case SHUTDOWN:
        cursor.number(); // the errno, which Node ignores as well
        settled(socket, 0, 'shutdown');
        break;
      case CLOSED:
        closed(socket);
        break;
      // ACCEPTED needs nothing here: the socket was made because of it.
    }
  }
  return refused;
}

function tellHead(cursor, connection) {
  const flags = cursor.number();
  const method = METHODS[cursor.number()];
  const version = cursor.number();
  // The lengths of all strings follow the number of fields.
  const target = cursor.number();
  const count = cursor.number();
  const url = cursor.string(target);
  const raw = cursor.fields(count);
  if (!connection) return;
  if (count > FLUSH_AFTER || connection.flushed) flushed(connection);
  cursor.threw = THREW.head;
  connection.resource.runInAsyncScope(connection.onHead, connection, method, url, version, raw, flags);
  cursor.threw = null;
}

/** Does what Node does when its binding enters JavaScript once more: here, and before each head from now on. */
function flushed(connection) {
  connection.flushed = true;
  if (connection.consumed) runTicks();
}

/** The descriptor is closed. Returns whether 'close' was emitted. */
function closed(socket) {
  forget(socket);
  return emitClosed(socket);
}

function inScope(connection, method, argument) {
  connection.resource.runInAsyncScope(method, connection, argument);
}

module.exports = { tell, keep, closed };
