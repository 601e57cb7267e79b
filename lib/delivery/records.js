'use strict';
// The records of a delivery, told one after the other to the connection that they are about.
// The layout of records is in docs/architecture.md, 'Deliveries'.
//
// Numbers, long strings and blobs lie in memory that the next delivery overwrites. A callback of the program's
// may cause one while this one is told: it writes to an injected Duplex, which has its packet parsed at
// once. Whoever lets the engine make a delivery out of turn therefore calls `keep` first.

const { fieldNames, methods } = require('../native');
const { callbackError, internalError, parseError, systemError } = require('../errors');
const { readEnded } = require('../socket/hold');
const { emitClosed } = require('../socket/closing');
const { settled } = require('../socket/output');
const { forget } = require('../socket/places');
const { runTicks } = require('../host');
const layout = require('../layout');
const { native, meta, strings } = require('../engine');

const METHODS = methods();
const FIELD_NAMES = fieldNames();

const { OVERFLOWN, SEEN, RECORDS } = layout.delivery;
const {
  HEAD, BODY, COMPLETE, FAILED, PARKED, END, SOCKET_ERROR, WRITTEN, SHUTDOWN, CLOSED, UPGRADED, FLUSHED,
} = layout.record;
const { KNOWN_NAME, KEPT, PANICKED } = layout.place;
// Node's binding hands over at most so many header lines at once. It enters JavaScript once more for a head that has
// more, and after such a head or after trailers it does so for every head. Ticks run there.
const { FLUSH_AFTER } = layout.limit;
// What Node's parser says when one of its callbacks threw.
const THREW = {
  head: { code: 'HPE_CB_HEADERS_COMPLETE', reason: 'User callback error' },
  body: { code: 'HPE_JS_EXCEPTION', reason: 'JS Exception' },
  end: { code: 'HPE_CB_MESSAGE_COMPLETE', reason: 'User callback error' },
};
const SYSCALLS = { [layout.syscall.READ]: 'read', [layout.syscall.WRITE]: 'write' };

/** Reads the records of one delivery. */
class Cursor {
  constructor() {
    this.numbers = meta;
    this.at = 0; // the number that is read next
    this.end = 0;
    this.text = '';
    this.cut = 0; // where the next string begins in the text
    this.strings = strings;
    this.blobs = null; // those that were kept
    this.token = 0; // number of the refusal that Rust has seen in the delivery
    this.length = 0; // of the packet
    this.threw = null; // what is to be said if what runs now throws
    this.packet = undefined; // the packet, if JavaScript has read it; an error's rawPacket is this very object
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
    this.packet = packet;
  }

  /** Copies what was not told yet out of the memory that the next delivery overwrites. */
  keep() {
    if (this.strings !== strings) return;
    this.numbers = this.numbers.slice(0, this.end);
    this.strings = strings.slice();
    this.blobs = [];
    for (let { at } = this; at < this.end; at += lengthOf(this.numbers, at)) {
      const place = blobIn(this.numbers, at);
      if (place !== 0) this.blobs[this.numbers[place]] = native.blob(this.numbers[place]);
    }
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
    return this.blobs === null ? native.blob(index) : this.blobs[index];
  }

  string(length) {
    if ((length & KEPT) !== 0) return this.strings[length ^ KEPT];
    const from = this.cut;
    this.cut = from + length;
    return this.text.slice(from, this.cut);
  }

  /** `count` names and values as a flat array. */
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

/** How many numbers the record at `at` has. */
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

/** Where the record at `at` names a blob; 0 if it names none. */
function blobIn(numbers, at) {
  switch (numbers[at]) {
    case BODY: case UPGRADED: return at + 1;
    case FAILED: return at + 4;
    default: return 0;
  }
}

/** The cursor of all deliveries but those that come while another one is told. */
const usual = new Cursor();
let current = null;

/** Prepares the delivery that is being told, if there is one, for another delivery. */
function keep() {
  current?.keep();
}

/**
 * Tells all records of the delivery to the connection of `socket`. `packet` is what was parsed, if JavaScript has
 * read it.
 */
function tell(socket, text, packet) {
  const outer = current;
  const cursor = outer === null ? usual : new Cursor();
  cursor.open(text, packet);
  const { parser } = socket;
  // A stream may bring a packet while an earlier one is told. The rest of the earlier one belongs to its own request.
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
  // Node destroys the socket after a packet that left it with a PRI request, which only HTTP/0.9 can be.
  else if (incoming.method === 'PRI') connection.socket.destroy();
}

/** Whether the packet was refused. */
function tellRecords(cursor, socket) {
  let refused = false;
  while (cursor.at < cursor.end) {
    // A callback may have ended HTTP on the socket: each record looks for the connection anew.
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
        // Node's binding enters JavaScript anew for each run of body bytes.
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
        // Where Rust read FIN, the stream ends now, and the connection acts on the verdict in 'end'.
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
        cursor.number(); // nobody is told if FIN could not leave
        settled(socket, 0, 'shutdown');
        break;
      case CLOSED:
        closed(socket);
        break;
      // ACCEPTED says nothing here: the socket was made for it.
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

/** Node's binding enters JavaScript once more, here and before each head from now on. */
function flushed(connection) {
  connection.flushed = true;
  if (connection.consumed) runTicks();
}

/** The descriptor is closed; whether 'close' was emitted. */
function closed(socket) {
  forget(socket);
  return emitClosed(socket);
}

function inScope(connection, method, argument) {
  connection.resource.runInAsyncScope(method, connection, argument);
}

module.exports = { tell, keep, closed };
