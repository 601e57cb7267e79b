//! The numbers that Rust and JavaScript share.
//!
//! `npm run layout` makes `lib/layout.js` and the tables of docs/architecture.md from this file; a test
//! fails when they are stale. A constant is one line, and its comment is its text in the table. The comment of a record
//! begins, between backticks, with what follows its number.

/// The numbers before the first record of a delivery, and its flags.
pub mod delivery {
    /// The flag of the first delivery of a connection.
    pub const FIRST: u32 = 1;
    /// The flag of a delivery whose numbers did not fit: `engine.meta()` has them.
    pub const OVERFLOWN: u32 = 2;
    /// The flag of a record about a server. The server's id takes the place of the connection's.
    pub const SERVER_RECORD: u32 = 4;
    /// The flags from this bit on are the token of a refusal that Rust has seen, or 0.
    pub const SEEN: u32 = 8;
    /// The numbers before the first record: how many are in use, id, flags, bytes read, the length of the first blob if it is a short one, and the server's id if it is the first delivery of a connection.
    pub const RECORDS: u32 = 6;
    /// The last so many bytes of the array of numbers. A first blob that is not longer lies there, too, unless it is a Buffer already.
    pub const SHORT_BLOB: u32 = 1024;
}

/// Records: the first number of each.
pub mod record {
    /// `flags, method, major << 8 | minor, targetLen, nFields, (nameLen, valueLen) * nFields`: a head. `method` indexes `methods()` of the binding.
    pub const HEAD: u32 = 1;
    /// `blob`: a run of body bytes.
    pub const BODY: u32 = 2;
    /// `nFields, (nameLen, valueLen) * nFields`: the end of a message, with its trailers.
    pub const COMPLETE: u32 = 3;
    /// `code, reason, bytesParsed (int32), blob`: a parse error. The blob is the whole packet; `codes()` and `reasons()` of the binding give the strings.
    pub const FAILED: u32 = 4;
    /// The HEAD before it has the upgrade bit: answer with `engine.decline(id)` or, to accept, `engine.detach(id)`. Nothing more is parsed until then.
    pub const PARKED: u32 = 5;
    /// `code + 1 or 0, reason, complete`: FIN was read. The parser's verdict is an error code, or 0; complete is 1 if the FIN completed a body.
    pub const END: u32 = 6;
    /// `errno, syscall`: the connection has failed. The errno is positive, or `PANICKED`. If JavaScript waits for a write or a shutdown, that fails in WRITTEN or SHUTDOWN instead.
    pub const SOCKET_ERROR: u32 = 7;
    /// `errno`: all pending output has left (0), or has failed. Deferred output is never reported.
    pub const WRITTEN: u32 = 8;
    /// `errno`: the pending shutdown is done.
    pub const SHUTDOWN: u32 = 9;
    /// The descriptor is closed, and the id is free. It does not come if `engine.close` or `engine.reset` has closed the descriptor at once.
    pub const CLOSED: u32 = 10;
    /// A connection was accepted, and nothing was read yet. It comes only while `eager` is set.
    pub const ACCEPTED: u32 = 11;
    /// About a server: a connection beyond `maxConnections` was closed. The text is local address, port, family, remote address, port and family, joined by line feeds.
    pub const DROPPED: u32 = 12;
    /// About a server: while `drainNotice` was set, the last connection ended, or one that JavaScript never knew.
    pub const DRAINED: u32 = 13;
    /// `errno`: about a server; accepting failed (EMFILE, ...).
    pub const ACCEPT_ERROR: u32 = 14;
    /// `blob`: an accepted upgrade is complete. The blob is the rest of the packet.
    pub const UPGRADED: u32 = 15;
    /// The next record is about a head or trailers of more than 31 lines, some of which may have been dropped. Node runs ticks before it.
    pub const FLUSHED: u32 = 16;
}

/// The flags of HEAD.
pub mod head {
    /// Another message may follow on the connection.
    pub const KEEP_ALIVE: u32 = 1;
    /// The upgrade bit of the grammar.
    pub const UPGRADE: u32 = 2;
    /// The message is complete: it has no body and no trailers, and no COMPLETE follows.
    pub const WHOLE: u32 = 4;
    /// There is a Host field.
    pub const HAS_HOST: u32 = 8;
    /// There is an Expect field.
    pub const HAS_EXPECT: u32 = 16;
}

/// Numbers that take the place of a length or an errno.
pub mod place {
    /// In the place of the length of a name: the other bits are the index of the name in `fieldNames()` of the binding. The text does not have the name.
    pub const KNOWN_NAME: u32 = 1 << 30;
    /// In the place of a length: the other bits are the index of the string in the array `strings` of `new Engine`. The text does not have the string.
    pub const KEPT: u32 = 1 << 29;
    /// In the place of an errno: ferrohttp itself has failed (a panic).
    pub const PANICKED: u32 = 0;
}

/// The system call that failed with a SOCKET_ERROR.
pub mod syscall {
    /// Reading.
    pub const READ: u32 = 0;
    /// Writing.
    pub const WRITE: u32 = 1;
}

/// The flags of a write. The lowest two bits are the encoding of its chunk.
pub mod write {
    /// The chunk has bytes.
    pub const BYTES: u32 = 0;
    /// The chunk is a string that is sent as latin1.
    pub const LATIN1: u32 = 1;
    /// The chunk is a string that is sent as UTF-8.
    pub const UTF8: u32 = 2;
    /// The output may wait for the end of the batch, if more deliveries are ready.
    pub const MAY_WAIT: u32 = 4;
    /// More output of the connection follows at once, so that this output waits in any case.
    pub const MORE_FOLLOWS: u32 = 8;
    /// `shutdown` follows before JavaScript returns to the event loop, so that FIN can leave with the output.
    pub const FIN_FOLLOWS: u32 = 16;
    /// The head of a response is sent as UTF-8, not as latin1.
    pub const HEAD_UTF8: u32 = 32;
    /// The last chunk of the write has no bytes. It is not passed.
    pub const BLANK_FOLLOWS: u32 = 64;
}

/// What a write returns; -errno if it fails.
pub mod taken {
    /// All of it counts as written.
    pub const ALL: u32 = 0;
    /// The kernel has taken a part, and WRITTEN follows.
    pub const PART: u32 = 1;
    /// The kernel has taken nothing, and WRITTEN follows.
    pub const NOTHING: u32 = 2;
    /// The write ended when the kernel was offered it a second time. The rest of the number is the errno, or 0. The callback comes before the next read.
    pub const ENDED: u32 = 1 << 16;
}

/// Limits that hold unless the program sets others.
pub mod limit {
    /// The size in bytes at which a head is refused (`maxHeaderSize`).
    pub const HEADER_SIZE: u32 = 16384;
    /// Names and values of a head together (twice `maxHeadersCount`).
    pub const HEADER_PAIRS: u32 = 2000;
    /// The number of field lines that Node's binding hands over at once. With more, ticks run before the head is complete.
    pub const FLUSH_AFTER: u32 = 31;
}

/// The lenient flags of the parser, with Node's numbers.
pub mod lenient {
    /// `httpValidation: 'strict'`.
    pub const STRICT: u32 = 0;
    /// `insecureHTTPParser`: the ten flags of llhttp.
    pub const INSECURE: u32 = 1023;
    /// `httpValidation: 'relaxed'`.
    pub const HEADER_VALUE_RELAXED: u32 = 1024;
}
