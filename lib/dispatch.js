'use strict';
// From the numbers and text of a delivery to the methods of a Connection.
// The layout of records is in docs/architecture.md, 'Deliveries'.

const { fieldNames, methods } = require('./native');
const { callbackError, internalError, parseError, systemError } = require('./client-error');
const { socketAt, forget, handOver, caughtUp, readEnded, kId, kBytesRead, kBehind } = require('./socket');
const { Connection } = require('./connection');
const { runTicks, traits } = require('./host');
const layout = require('./layout');
const engine = require('./engine');

const METHODS = methods();
const FIELD_NAMES = fieldNames();
const { native, meta, strings } = engine;

const { FIRST, OVERFLOWN, SERVER_RECORD, SEEN, RECORDS } = layout.delivery;
const {
  HEAD, BODY, COMPLETE, FAILED, PARKED, END, SOCKET_ERROR, WRITTEN, SHUTDOWN, CLOSED, ACCEPTED, DROPPED, DRAINED,
  ACCEPT_ERROR, UPGRADED, FLUSHED,
} = layout.record;
const { KEEP_ALIVE, UPGRADE, WHOLE, HAS_HOST, HAS_EXPECT } = layout.head;
const { KNOWN_NAME, KEPT, PANICKED } = layout.place;
// When a head has more lines, and once one had or trailers came, Node's binding enters JavaScript once more
// before a head is complete, and ticks run there.
const { FLUSH_AFTER } = layout.limit;
// What Node's parser says of a callback that threw, by the callback.
const THREW = {
  head: { code: 'HPE_CB_HEADERS_COMPLETE', reason: 'User callback error' },
  body: { code: 'HPE_JS_EXCEPTION', reason: 'JS Exception' },
  end: { code: 'HPE_CB_MESSAGE_COMPLETE', reason: 'User callback error' },
};
const SYSCALLS = { [layout.syscall.READ]: 'read', [layout.syscall.WRITE]: 'write' };

const servers = new Map(); // by server id

let packetLength = 0; // of the packet that is told

/** Dispatches the delivery in `meta`; true if that ran nobody else's code. */
function dispatch(text) {
  const id = meta[1];
  const flags = meta[2];
  if (flags & SERVER_RECORD) {
    servers.get(id)?.onServerRecord(meta[RECORDS], meta[RECORDS + 1], text);
    return false;
  }
  let socket = socketAt(id);
  if (socket === undefined || (flags & FIRST) !== 0) {
    // Listeners of 'connection' may overwrite the numbers.
    const accepted = meta[RECORDS] === ACCEPTED;
    socket = open(id);
    if (socket === undefined || accepted) return false;
    // Node enters JavaScript anew for the first packet.
    runTicks();
  }
  const behind = socket[kBehind];
  socket[kBytesRead] += meta[3];
  packetLength = meta[3];
  const connection = socket.parser;
  // A keep-alive timer is stopped by the head that is told next.
  if (socket.timeout && !(connection?.keepAliveTimerSet && meta[0] > RECORDS && meta[RECORDS] === HEAD)) {
    socket._unrefTimer();
  }

  if ((flags & OVERFLOWN) !== 0 || !runDirectly(socket, connection, text)) {
    if (meta[RECORDS] === CLOSED && meta[0] === RECORDS + 1) {
      // Not silent where the socket was made just now: its 'connection' was emitted.
      return !closed(socket) && (flags & FIRST) === 0;
    }
    // Listeners may cause further deliveries (an injected Duplex): these numbers and blobs are kept.
    const numbers = flags & OVERFLOWN ? native.meta() : meta.slice(0, meta[0]);
    run(socket, text, numbers, takenOut(numbers));
  }
  if (traits.packetEndsIdleTime && meta[3] > 0) socket.parser?.endIdleTime();
  if (behind) caughtUp(socket);
  return false;
}

/**
 * What `run` does, without a copy of the numbers, for the shapes that nearly all packets have: one
 * request without a body, a run of body bytes with or without the head before it and the end after
 * it, a refusal. False for others.
 */
function runDirectly(socket, connection, text) {
  // Without any record, what lies there is an earlier delivery's.
  if (!connection || meta[0] === RECORDS) return false;
  const type = meta[RECORDS];
  if (type === HEAD && (meta[RECORDS + 1] & (WHOLE | UPGRADE)) === WHOLE && meta[0] === next(meta, RECORDS)) {
    connection.dispatching = true;
    try {
      head(connection, text, meta, RECORDS, 0, strings);
    } finally {
      connection.dispatching = false;
    }
    refusePreface(connection);
    return true;
  }
  if (type === FAILED) {
    failed(connection, refusal(connection, meta, RECORDS, native.blob(meta[RECORDS + 4])));
    return true;
  }
  const body = lonelyBody(connection);
  if (body === 0) return false;
  runBody(socket, connection, text, body);
  return true;
}

/** The error of the FAILED record at `at`. */
function refusal(connection, numbers, at, packet) {
  if (connection.fault !== null) return callbackError(connection.fault, packet);
  return parseError(numbers[at + 1], numbers[at + 2], numbers[at + 3] | 0, packet, numbers[2] >>> SEEN);
}

/** Dispatches a packet that the parser refused at once. */
function failed(connection, error) {
  connection.dispatching = true;
  try {
    inScope(connection, connection.onFailed, error);
  } finally {
    connection.dispatching = false;
  }
}

/** The descriptor is closed; whether 'close' was emitted. */
function closed(socket) {
  forget(socket);
  return socket._closed();
}

/**
 * Where the BODY record is, if the delivery is a run of body bytes with at most the head before it and the
 * end of the message after it; else 0.
 */
function lonelyBody(connection) {
  let at = RECORDS;
  if (meta[at] === HEAD) {
    // What `tell` runs ticks before, or asks about, is left to it.
    if ((meta[at + 1] & UPGRADE) !== 0 || meta[at + 5] > FLUSH_AFTER || connection.flushed) return 0;
    at += 6 + 2 * meta[at + 5];
  }
  if (meta[at] !== BODY) return 0;
  const end = meta[0];
  return end === at + 2 || (end === at + 4 && meta[at + 2] === COMPLETE && meta[at + 3] === 0) ? at : 0;
}

/** Dispatches a delivery in which `lonelyBody` found the BODY record. */
function runBody(socket, parser, text, at) {
  const chunk = native.blob(meta[at + 1]);
  const completes = meta[0] > at + 2;
  parser.dispatching = true;
  try {
    // From here on the numbers may be those of another delivery.
    if (at > RECORDS) head(parser, text, meta, RECORDS, 0, strings);
    let connection = socket.parser;
    if (connection) {
      tellBody(connection, chunk);
    }
    if (completes && (connection = socket.parser)) tellEnd(connection, null);
  } finally {
    parser.dispatching = false;
  }
  if (socket.parser) finishPacket(socket.parser);
}

/**
 * Takes what belongs to the current delivery out of the engine: its blobs, in record order, and its
 * strings, to whose new places the numbers then refer.
 */
function takenOut(numbers) {
  const taken = { blobs: [], strings: [] };
  for (let at = RECORDS; at < numbers[0];) {
    const end = next(numbers, at);
    switch (numbers[at]) {
      case BODY: case UPGRADED: taken.blobs.push(native.blob(numbers[at + 1])); break;
      case FAILED: taken.blobs.push(native.blob(numbers[at + 4])); break;
      case HEAD: takeStrings(numbers, at + 4, at + 5, taken.strings); takeStrings(numbers, at + 6, end, taken.strings); break;
      case COMPLETE: takeStrings(numbers, at + 2, end, taken.strings); break;
    }
    at = end;
  }
  return taken;
}

function takeStrings(numbers, from, to, list) {
  for (let i = from; i < to; i++) {
    if ((numbers[i] & KEPT) === 0) continue;
    list.push(strings[numbers[i] ^ KEPT]);
    numbers[i] = KEPT | (list.length - 1);
  }
}

/** Position of the record after the one at `at`. */
function next(numbers, at) {
  switch (numbers[at]) {
    case HEAD: return at + 6 + 2 * numbers[at + 5];
    case COMPLETE: return at + 2 + 2 * numbers[at + 1];
    case FAILED: return at + 5;
    case END: return at + 4;
    case SOCKET_ERROR: return at + 3;
    case BODY: case WRITTEN: case SHUTDOWN: case UPGRADED: return at + 2;
    default: return at + 1;
  }
}

/**
 * Dispatches all records of one packet to the connection of `socket`. `chunk` is the packet where
 * JavaScript read it: an error's rawPacket is then that very object.
 */
function run(socket, text, numbers, taken, chunk) {
  const { parser } = socket;
  // A stream that brings a packet while an earlier one is told: what is left of that is its request's.
  const outer = parser?.dispatching ? parser.incoming : undefined;
  if (parser) parser.dispatching = true;
  let refused;
  try {
    refused = tell(socket, text, numbers, taken, chunk);
  } finally {
    if (parser) parser.dispatching = outer !== undefined;
  }
  if (socket.parser && !refused) finishPacket(socket.parser);
  if (outer !== undefined && socket.parser === parser) parser.incoming = outer;
}

function finishPacket(connection) {
  if (connection.incoming?.upgrade && !connection.incoming.complete) inScope(connection, connection.onUpgrade, null);
  else refusePreface(connection);
}

/** Node destroys the socket after a packet that left it with a PRI request, which only HTTP/0.9 can be. */
function refusePreface({ incoming, socket }) {
  if (incoming !== null && incoming.method === 'PRI') socket.destroy();
}

/** Tells the records to the connection; whether the packet was refused. */
function tell(socket, text, numbers, { blobs, strings: kept }, chunk) {
  const length = numbers[0];
  let refused = false;
  let blob = 0;
  let cut = 0; // position in the text
  for (let at = RECORDS; at < length; at = next(numbers, at)) {
    const connection = socket.parser;
    switch (numbers[at]) {
      case HEAD:
        if (connection) {
          if ((connection.flushed || numbers[at + 5] > FLUSH_AFTER) && connection.consumed) runTicks();
          cut = head(connection, text, numbers, at, cut, kept);
        }
        break;
      case BODY:
        if (connection) tellBody(connection, blobs[blob]);
        blob++;
        break;
      case COMPLETE: {
        let trailers = null;
        if (numbers[at + 1] > 0) {
          trailers = fields(text, numbers, at + 2, numbers[at + 1], cut, kept);
          cut = cutEnd;
          if (connection) {
            connection.flushed = true;
            if (connection.consumed) runTicks();
          }
        }
        if (connection) tellEnd(connection, trailers);
        break;
      }
      case FLUSHED:
        if (connection) {
          connection.flushed = true;
          if (connection.consumed) runTicks();
        }
        break;
      case FAILED:
        refused = true;
        if (connection) {
          inScope(connection, connection.onFailed, refusal(connection, numbers, at, chunk ?? blobs[blob]));
        }
        blob++;
        break;
      case PARKED:
        if (connection) parked(connection, chunk);
        break;
      case UPGRADED:
        if (connection) inScope(connection, connection.onUpgrade, blobs[blob]);
        blob++;
        break;
      case END:
        fin(socket, numbers[at + 1], numbers[at + 2], numbers[at + 3] === 1, numbers[2] >>> SEEN);
        break;
      case SOCKET_ERROR:
        socket.destroy(numbers[at + 1] === PANICKED ? internalError() :
          systemError(-numbers[at + 1], SYSCALLS[numbers[at + 2]], numbers[2] >>> SEEN));
        break;
      case WRITTEN:
        socket._settled(numbers[at + 1], 'write');
        break;
      case SHUTDOWN:
        socket._settled(numbers[at + 1], 'shutdown');
        break;
      case CLOSED:
        closed(socket);
        break;
      case ACCEPTED: // open() has said it
        break;
    }
  }
  return refused;
}

let cutEnd = 0; // where the last `fields` ended in the text

/** `count` names and values as a flat array, lengths from `at`, text from `cut`. */
function fields(text, numbers, at, count, cut, kept) {
  const list = new Array(2 * count);
  for (let i = 0; i < 2 * count; i += 2) {
    const name = numbers[at + i];
    if ((name & KNOWN_NAME) !== 0) {
      list[i] = FIELD_NAMES[name ^ KNOWN_NAME];
    } else if ((name & KEPT) !== 0) {
      list[i] = kept[name ^ KEPT];
    } else {
      list[i] = text.slice(cut, cut + name);
      cut += name;
    }
    const value = numbers[at + i + 1];
    if ((value & KEPT) !== 0) {
      list[i + 1] = kept[value ^ KEPT];
    } else {
      list[i + 1] = text.slice(cut, cut + value);
      cut += value;
    }
  }
  cutEnd = cut;
  return list;
}

/** Dispatches a HEAD record; returns the text position after it. */
function head(connection, text, numbers, at, cut, kept) {
  const flags = numbers[at + 1];
  const version = numbers[at + 3];
  const target = numbers[at + 4];
  const inText = (target & KEPT) === 0;
  const afterTarget = inText ? cut + target : cut;
  const url = inText ? text.slice(cut, afterTarget) : kept[target ^ KEPT];
  const raw = fields(text, numbers, at + 6, numbers[at + 5], afterTarget, kept);
  const end = cutEnd;
  if (numbers[at + 5] > FLUSH_AFTER) connection.flushed = true;
  connection.resource.runInAsyncScope(request, undefined, connection,
    METHODS[numbers[at + 2]], url, version, raw, flags);
  return end;
}

function request(connection, method, url, version, raw, flags) {
  let threw = THREW.head;
  try {
    const req = connection.onHead(method, url, version >> 8, version & 255, raw, (flags & UPGRADE) !== 0);
    const keepAlive = (flags & KEEP_ALIVE) !== 0;
    if ((flags & UPGRADE) !== 0) {
      // The parser waits for the verdict: `parked` gives it.
      connection.upgrading = connection.wantsUpgrade(req);
    }
    if ((flags & UPGRADE) === 0 || !connection.upgrading) {
      connection.onRequest(req, keepAlive, (flags & HAS_HOST) !== 0, (flags & HAS_EXPECT) !== 0);
    }
    threw = THREW.end;
    if ((flags & WHOLE) !== 0) connection.onComplete(null);
    threw = null;
  } finally {
    if (threw !== null) connection.fail({ ...threw, bytesParsed: packetLength });
  }
}

function tellBody(connection, chunk) {
  let done = false;
  try {
    inScope(connection, connection.onBody, chunk);
    // Node's binding enters JavaScript anew for each run of body bytes.
    if (connection.consumed) runTicks();
    done = true;
  } finally {
    if (!done) connection.fail({ ...THREW.body, bytesParsed: packetLength });
  }
}

function tellEnd(connection, trailers) {
  let done = false;
  try {
    inScope(connection, connection.onComplete, trailers);
    done = true;
  } finally {
    if (!done) connection.fail({ ...THREW.end, bytesParsed: packetLength });
  }
}

/** The answer to a head with the upgrade bit. */
function parked(connection, chunk) {
  const { socket, upgrading } = connection;
  if (socket[kId] >= 0 && upgrading) handOver(socket);
  if (socket[kId] >= 0) {
    const text = native.decline(socket[kId]);
    if (text !== null) runParsed(connection, text);
  } else if (connection.parser !== null) {
    connection.parse((parser) => parser.upgrade(native, upgrading), chunk);
  }
}

/** Dispatches what a NativeParser found just now. */
function runParsed(connection, text, chunk) {
  const numbers = meta[2] & OVERFLOWN ? native.meta() : meta.slice(0, meta[0]);
  packetLength = meta[3] || packetLength; // 0: the rest of one
  run(connection.socket, text, numbers, takenOut(numbers), chunk);
}

function inScope(connection, method, argument) {
  connection.resource.runInAsyncScope(method, connection, argument);
}

/** The parser's verdict on FIN. Where Rust read it, the stream ends now, and acts on the verdict in 'end'. */
function fin(socket, code, reason, completes, token) {
  const connection = socket.parser;
  if (connection) {
    connection.endCompletes = completes;
    connection.endVerdict = code === 0 ? null : parseError(code - 1, reason, 0, undefined, token);
    if (connection.parser !== null) return;
  }
  readEnded(socket);
  socket.push(null);
  socket.read(0);
}

/** The socket of a connection that JavaScript meets for the first time; undefined if that is over. */
function open(id) {
  return servers.get(native.serverOf(id))?.onAccept(id);
}

/** The socket of a connection id, made if need be. */
function socketOf(id) {
  const known = socketAt(id);
  if (known !== undefined) return known;
  const socket = open(id);
  if (socket !== undefined) socket[kBytesRead] += native.takeBytesRead(id);
  return socket;
}

/** What a program changed on prototypes since the last turn is known from here on. */
function beginTurn() {
  for (const link of servers.values()) {
    if (link.stale()) link.sync();
  }
}

engine.setDispatch(dispatch, beginTurn);
Connection.prototype.runParsed = function (text, chunk) { runParsed(this, text, chunk); };

module.exports = { servers, socketOf, DROPPED, DRAINED, ACCEPT_ERROR };
