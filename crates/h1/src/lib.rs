//! HTTP/1 request parsing with the verdicts, reasons and offsets of llhttp as Node uses it.
//!
//! [`Parser`] is a resumable machine: it is fed packets (what one read returned) and reports
//! what it finds to a [`Sink`]. It knows nothing of sockets, threads or JavaScript.
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

/// What a parser is made with. Node reads these once per connection.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// The grammar of the llhttp release that the host Node carries.
    pub profile: &'static Profile,
    /// The lenient flags in force (spec: `insecureHTTPParser`, `httpValidation`).
    pub lenient: Lenient,
    /// Bytes of target, names and values at which a head is refused (`maxHeaderSize`).
    pub max_header_size: u64,
    /// `maxHeadersCount * 2`: names plus values; 0 or less means no limit.
    pub max_header_pairs: i64,
    /// Whether the httparse fast path may be tried. Results are identical either way.
    pub fast_path: bool,
}

/// Receives what the parser finds, in wire order.
pub trait Sink {
    /// The first byte of a message was seen (headers timers start here).
    fn message_begin(&mut self);
    /// A head is complete. If `head.upgrade` is set the parser parks right after this call.
    fn head(&mut self, head: &Head<'_>);
    /// A run of body bytes, chunk framing removed; never empty.
    fn body(&mut self, bytes: &[u8]);
    /// The message is complete, with its trailers. Not called for a message whose head said
    /// [`Head::complete`].
    fn message_complete(&mut self, trailers: &Fields<'_>);
    /// The head that is reported next, or what is about to be refused, had more than
    /// [`profile::FLUSH_GROUP`] lines: Node's binding has entered JavaScript with the first ones.
    /// For heads, only the byte-level machine calls this; the fast path does not.
    fn fields_flushed(&mut self, refused: bool) {
        let _ = refused;
    }
    /// Lenient parsing lets through what strict parsing refuses with this code. Called once for each
    /// message and code.
    fn tolerated(&mut self, code: Code) {
        let _ = code;
    }
    /// A packet is refused, and what was known of the message is still there. Not called again for
    /// the packets after it.
    fn refused(&mut self, error: &ParseError, moment: &Moment<'_>) {
        let _ = (error, moment);
    }
}

/// How [`Parser::execute`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every byte was consumed (or is to be ignored, as after an upgrade that was declined).
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
