'use strict';
// The numbers that Rust and JavaScript share. Made from src/layout.rs by `npm run layout`: change that.

/** The numbers before the first record of a delivery, and its flags. */
const delivery = Object.freeze({
  FIRST: 1,
  OVERFLOWN: 2,
  SERVER_RECORD: 4,
  SEEN: 8,
  RECORDS: 6,
  SHORT_BLOB: 1024,
});

/** Records: the first number of each. */
const record = Object.freeze({
  HEAD: 1,
  BODY: 2,
  COMPLETE: 3,
  FAILED: 4,
  PARKED: 5,
  END: 6,
  SOCKET_ERROR: 7,
  WRITTEN: 8,
  SHUTDOWN: 9,
  CLOSED: 10,
  ACCEPTED: 11,
  DROPPED: 12,
  DRAINED: 13,
  ACCEPT_ERROR: 14,
  UPGRADED: 15,
  FLUSHED: 16,
});

/** The flags of HEAD. */
const head = Object.freeze({
  KEEP_ALIVE: 1,
  UPGRADE: 2,
  WHOLE: 4,
  HAS_HOST: 8,
  HAS_EXPECT: 16,
});

/** Numbers that take the place of a length or an errno. */
const place = Object.freeze({
  KNOWN_NAME: 1 << 30,
  KEPT: 1 << 29,
  PANICKED: 0,
});

/** The system call that failed with a SOCKET_ERROR. */
const syscall = Object.freeze({
  READ: 0,
  WRITE: 1,
});

/** The flags of a write. The lowest two bits are the encoding of its chunk. */
const write = Object.freeze({
  BYTES: 0,
  LATIN1: 1,
  UTF8: 2,
  MAY_WAIT: 4,
  MORE_FOLLOWS: 8,
  FIN_FOLLOWS: 16,
  HEAD_UTF8: 32,
  BLANK_FOLLOWS: 64,
});

/** What a write returns; -errno if it fails. */
const taken = Object.freeze({
  ALL: 0,
  PART: 1,
  NOTHING: 2,
  ENDED: 1 << 16,
});

/** Limits that hold unless the program sets others. */
const limit = Object.freeze({
  HEADER_SIZE: 16384,
  HEADER_PAIRS: 2000,
  FLUSH_AFTER: 31,
});

/** The lenient flags of the parser, with Node's numbers. */
const lenient = Object.freeze({
  STRICT: 0,
  INSECURE: 1023,
  HEADER_VALUE_RELAXED: 1024,
});

module.exports = { delivery, record, head, place, syscall, write, taken, limit, lenient };
