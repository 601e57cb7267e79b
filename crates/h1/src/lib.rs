//! A parser of HTTP/1 requests (RFC 9112) with the verdicts, reasons and offsets of llhttp as Node uses it.
//!
//! [`Parser`] is a resumable machine. It gets packets, each of which is what one read returned, and reports what it
//! finds to a [`Sink`]. It does not know sockets, threads or JavaScript.
#![forbid(unsafe_code)]

mod classes;
pub mod codes;
mod fast;
pub mod head;
pub mod invariant;
mod limits;
mod machine;
mod methods;
pub mod names;
pub mod profile;
mod scene;

pub use codes::{Code, ParseError, Reason};
pub use head::{Fields, Head, METHODS, Method, Span};
pub use machine::Parser;
pub use profile::{HeaderCount, Lenient, Profile};
pub use scene::{Carried, Limit, Message, Moment, Opening, Part, Phase, Scene};

/// The configuration of a parser. Node reads it once for each connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The grammar of the llhttp of the running Node.
    pub profile: &'static Profile,
    /// The lenient flags (in Node: `insecureHTTPParser`, `httpValidation`).
    pub lenient: Lenient,
    /// The number of bytes of target, names and values at which a head is refused (`maxHeaderSize`).
    pub max_header_size: u64,
    /// The largest number of names and values in a head (`maxHeadersCount * 2`); 0 or less for no limit.
    pub max_header_pairs: i64,
    /// Whether the fast path with httparse may be tried. It does not change the results.
    pub fast_path: bool,
}

/// Receives what the parser finds, in the order of the bytes.
pub trait Sink {
    /// The first byte of a message was seen. The timers for heads start here.
    fn message_begin(&mut self);
    /// A head is complete. If `head.upgrade` is set the parser parks right after this call.
    fn head(&mut self, head: &Head<'_>);
    /// A run of body bytes without the framing of chunks. It is never empty.
    fn body(&mut self, bytes: &[u8]);
    /// The message is complete, with its trailers. Not called for a message whose head said
    /// [`Head::complete`].
    fn message_complete(&mut self, trailers: &Fields<'_>);
    /// The head that is reported next, or that is about to be refused, has more than [`profile::FLUSH_GROUP`] lines.
    /// Node's binding has entered JavaScript with the first ones by now. For heads, only the byte-level machine calls
    /// this; the fast path does not.
    fn fields_flushed(&mut self, refused: bool) {
        let _ = refused;
    }
    /// Lenient parsing accepts what strict parsing refuses with this code. It is called once for each message and code.
    fn tolerated(&mut self, code: Code) {
        let _ = code;
    }
    /// A packet is refused, while everything about the message is still known. It is not called for later packets.
    fn refused(&mut self, error: &ParseError, moment: &Moment<'_>) {
        let _ = (error, moment);
    }
}

/// How [`Parser::execute`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every byte was consumed, or is to be ignored, as after an upgrade that was not accepted.
    Consumed,
    /// A head with the upgrade bit was reported. Call [`Parser::resolve_upgrade`], then
    /// `execute` again with the same packet from `at`.
    Parked {
        /// Offset in the packet of the first byte after the head.
        at: usize,
    },
    /// An accepted upgrade or CONNECT is complete: the bytes from `at` on are not HTTP.
    Upgraded {
        /// Offset in the packet of the first byte that is not HTTP.
        at: usize,
    },
    /// The packet was refused. Every later packet is refused with the same error.
    Failed(ParseError),
}
