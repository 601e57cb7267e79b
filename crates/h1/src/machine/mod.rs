//! The byte-level machine with llhttp's semantics. It reads one byte after the other, and can stop and go on between
//! any two. [`start_line`], [`target`] and [`version`] read the request line, [`fields`] reads the lines after it, and
//! [`chunks`] reads what is around the data of chunks. [`message`] decides where messages begin and end, and reports
//! them to the sink.
//!
//! Offsets are llhttp's: an error is at the byte that was looked at, or behind it if llhttp consumes the byte first.

mod chunk_extensions;
mod chunks;
mod connection;
mod content_length;
mod fields;
mod head_buffer;
mod message;
mod names;
mod spans;
mod start_line;
mod state;
mod target;
mod transfer_encoding;
mod values;
mod verdicts;
mod version;

pub(crate) use head_buffer::HeadBuffer;
use state::{Halt, Special, Step};
pub(crate) use state::{Input, SpanKind, State, flag};

use super::codes::{Code, ParseError, Reason};
use super::head::{Fields, Method};
use super::limits::Limits;
use super::methods::Candidates;
use super::scene::Moment;
use super::{Config, Outcome, Sink};

/// What FIN would mean in the current state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fin {
    Safe,
    CompletesMessage,
    CutsMessage,
}

/// What a complete head says about its message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastHead {
    pub method: Method,
    pub flags: u16,
    /// Content-Length, if `flags` has it.
    pub length: u64,
}

/// The request parser of one connection.
#[derive(Debug)]
pub struct Parser {
    pub(super) config: Config,
    pub(super) state: State,
    special: Special,
    /// The literal that is being matched, and how many of its bytes were matched.
    literal: u8,
    matched: u8,
    pub(super) candidates: Candidates,
    pub(super) method: Method,
    version: (u8, u8),
    pub(super) flags: u16,
    /// Content-Length, or how many bytes of the body or chunk are left. As in llhttp, a message that ends the
    /// connection does not reset it, which lenient parsing shows.
    pub(super) length: u64,
    pub(super) limits: Limits,
    pub(super) span: Option<SpanKind>,
    fin: Fin,
    upgrade: bool,
    accepted: bool,
    pub(super) in_progress: bool,
    pub(super) headers_complete: bool,
    /// The message is complete with its head.
    complete_with_head: bool,
    error: Option<ParseError>,
    /// How many bytes of the connection came before the current packet.
    pub(super) consumed: u64,
    /// The offset on the connection at which the current message, or else the last one, began.
    pub(super) begun_at: u64,
    /// The offset at which its trailers began, if it has some.
    pub(super) trailers_at: u64,
    /// How many heads were complete.
    pub(super) heads: u32,
    /// What the last complete head says.
    pub(super) last_head: LastHead,
    /// The codes with which strict parsing would have refused the current message, as bits by the index of the code:
    /// all of them so far, and those that were reported to the sink.
    tolerated: [u32; 2],
    /// The last message ended the connection, but lenient parsing goes on.
    past_the_end: bool,
    /// It exists only while a head or trailers are collected.
    pub(super) head_buffer: Option<Box<HeadBuffer>>,
}

impl Parser {
    /// Makes the parser of a new connection.
    pub fn new(config: Config) -> Parser {
        Parser {
            config,
            state: State::Start,
            special: Special::General,
            literal: 0,
            matched: 0,
            candidates: Candidates::ALL,
            method: Method(0),
            version: (0, 0),
            flags: 0,
            length: 0,
            limits: Limits::default(),
            span: None,
            fin: Fin::Safe,
            upgrade: false,
            accepted: false,
            in_progress: false,
            headers_complete: false,
            complete_with_head: false,
            error: None,
            consumed: 0,
            begun_at: 0,
            trailers_at: 0,
            heads: 0,
            last_head: LastHead::default(),
            tolerated: [0; 2],
            past_the_end: false,
            head_buffer: None,
        }
    }

    /// Parses `packet` from the offset `from`. That is 0 for a new packet. After
    /// [`resolve_upgrade`](Self::resolve_upgrade) it is `at` of [`Outcome::Parked`], with the same packet, even if
    /// nothing of it is left. Offsets in errors count from the start of `packet`.
    pub fn execute<S: Sink + ?Sized>(
        &mut self,
        packet: &[u8],
        from: usize,
        sink: &mut S,
    ) -> Outcome {
        let mut input = Input {
            packet,
            at: from,
            mark: from,
        };
        let halt = match self.run(&mut input, sink) {
            Err(halt) => halt,
            // `run` ends only by halting.
            Ok(()) => Halt::Starved,
        };
        if self.tolerated[0] != 0 {
            self.tell_tolerated(sink);
        }
        let halt = match halt {
            Halt::Starved => match self.suspend_span(&input) {
                Err(halt) => halt,
                Ok(()) => Halt::Starved,
            },
            halt => halt,
        };
        match halt {
            Halt::Starved => {
                self.suspend_head_buffer(packet);
                self.consumed += packet.len() as u64;
                Outcome::Consumed
            }
            Halt::Outcome(outcome) => {
                self.suspend_head_buffer(packet);
                if !matches!(outcome, Outcome::Parked { .. }) {
                    self.consumed += packet.len() as u64;
                }
                outcome
            }
            Halt::Failed(error) => {
                if self.limits.has_flushed() {
                    sink.fields_flushed(true);
                }
                if !self.upgrade {
                    sink.refused(&error, &Moment::new(self, &input, error));
                }
                self.consumed += packet.len() as u64;
                self.state = State::Failed;
                self.error = Some(error);
                self.span = None;
                self.drop_head_buffer();
                self.refusal(error)
            }
        }
    }

    /// Says whether JavaScript accepts the upgrade of the head that parked the parser.
    pub fn resolve_upgrade(&mut self, accepted: bool) {
        if self.state != State::Parked {
            return;
        }
        self.accepted = accepted;
        if accepted && self.config.profile.upgrade_skips_body {
            self.flags |= flag::SKIP_BODY;
        }
        self.state = State::Framing;
    }

    /// A callback of the program has thrown. Every later packet is refused, with an error that the caller replaces by
    /// its own. FIN is no error.
    pub fn give_up(&mut self) {
        self.state = State::Failed;
        self.error = Some(ParseError {
            code: Code::Strict,
            reason: Reason::EofState,
            bytes_parsed: 0,
        });
        self.span = None;
        self.upgrade = false;
        self.drop_head_buffer();
    }

    /// FIN was read. It completes a body that lasts until FIN, which only lenient parsing allows. Otherwise this says
    /// whether a message was cut off. After an error there is no further one.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), ParseError> {
        if self.state == State::Failed {
            return Ok(());
        }
        match self.fin {
            Fin::Safe => Ok(()),
            Fin::CompletesMessage => {
                self.fin = Fin::Safe;
                self.in_progress = false;
                sink.message_complete(&Fields::default());
                Ok(())
            }
            // As in `refusal`.
            Fin::CutsMessage if self.upgrade => Ok(()),
            Fin::CutsMessage => Err(ParseError {
                code: Code::InvalidEofState,
                reason: Reason::EofState,
                bytes_parsed: 0,
            }),
        }
    }

    /// How many of the next bytes certainly belong to the body, so that the parser need not see them. It is 0 if they
    /// may belong to something else.
    pub fn body_ahead(&self) -> u64 {
        match self.state {
            // A message with the upgrade bit ends its packet.
            State::Body | State::ChunkData if !self.upgrade => self.length,
            _ => 0,
        }
    }

    /// Consumes `count` body bytes that the parser does not see. Call [`execute`](Self::execute) next with the rest of
    /// their packet, even if it is empty.
    pub fn pass_body(&mut self, count: u64) {
        self.length = self.length.saturating_sub(count);
        self.consumed += count;
    }

    /// Whether a message has begun and is not complete.
    pub fn message_in_progress(&self) -> bool {
        self.in_progress
    }

    /// Whether the head of the last message is complete.
    pub fn headers_complete(&self) -> bool {
        self.headers_complete
    }

    /// Whether a packet was refused, reported or not. Then every later one will be refused.
    pub fn is_errored(&self) -> bool {
        self.state == State::Failed
    }

    /// Makes the outcome of an error. Node's binding does not report errors while the last complete head has the
    /// upgrade bit.
    fn refusal(&self, error: ParseError) -> Outcome {
        if self.upgrade {
            Outcome::Consumed
        } else {
            Outcome::Failed(error)
        }
    }

    fn run<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) -> Step {
        loop {
            match self.state {
                State::Start => self.start(input, sink)?,
                state if state < State::HeadersStart => self.start_line(input)?,
                state if state < State::ChunkSizeFirst => self.field_lines(input)?,
                state if state < State::FieldsEnd => self.chunk_lines(input)?,
                State::FieldsEnd if self.has(flag::TRAILING) => {
                    self.limits.chunk_complete();
                    self.state = State::MessageEnd;
                }
                State::FieldsEnd => self.head(input, sink),
                State::Parked => return Err(Halt::Outcome(Outcome::Parked { at: input.at })),
                State::Framing => self.framing(input, sink)?,
                State::ChunkHeader => self.chunk_header(input),
                State::ChunkData => {
                    self.body(input, sink)?;
                    self.state = State::ChunkDataCr;
                }
                State::Body => {
                    self.body(input, sink)?;
                    self.state = State::MessageEnd;
                }
                State::BodyUntilFin => return self.body_until_fin(input, sink),
                State::MessageEnd => {
                    self.message_end(input, sink);
                    self.after_message(input)?;
                }
                State::Cleanup => self.cleanup(),
                State::Closed => self.closed(input)?,
                State::Upgraded => {
                    return Err(Halt::Outcome(Outcome::Upgraded { at: input.at }));
                }
                _ => {
                    // After an error every packet gets the first error again.
                    return Err(match self.error {
                        Some(error) => Halt::Outcome(self.refusal(error)),
                        None => Halt::Starved,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Head, Lenient, Profile};

    struct Nothing;

    impl Sink for Nothing {
        fn message_begin(&mut self) {}
        fn head(&mut self, _: &Head<'_>) {}
        fn body(&mut self, _: &[u8]) {}
        fn message_complete(&mut self, _: &Fields<'_>) {}
    }

    fn parser() -> Parser {
        Parser::new(Config {
            profile: Profile::for_host("9.4.3", 24),
            lenient: Lenient::NONE,
            max_header_size: 16384,
            max_header_pairs: 2000,
            fast_path: true,
        })
    }

    #[test]
    fn an_idle_parser_is_small_and_holds_nothing() {
        fn moves_between_threads<T: Send>() {}
        moves_between_threads::<Parser>();
        assert!(size_of::<Parser>() <= 192, "{}", size_of::<Parser>());

        let mut parser = parser();
        let request = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n";
        for (i, byte) in request.iter().enumerate() {
            assert_eq!(parser.execute(&[*byte], 0, &mut Nothing), Outcome::Consumed);
            let last = i + 1 == request.len();
            assert_eq!(parser.message_in_progress(), !last);
            let collecting = parser.head_buffer.is_some();
            assert!(!last || !collecting);
            // Neither does one that waits for a body.
            assert!(!collecting || parser.state < State::ChunkSizeFirst);
        }
    }

    #[test]
    fn the_state_that_timeouts_ask_for() {
        let mut parser = parser();
        assert!(!parser.message_in_progress() && !parser.headers_complete());
        parser.execute(b"\r\n", 0, &mut Nothing);
        assert!(!parser.message_in_progress());
        parser.execute(b"POST / HTTP/1.1\r\n", 0, &mut Nothing);
        assert!(parser.message_in_progress() && !parser.headers_complete());
        parser.execute(b"Content-Length: 2\r\n\r\na", 0, &mut Nothing);
        assert!(parser.message_in_progress() && parser.headers_complete());
        parser.execute(b"b", 0, &mut Nothing);
        assert!(!parser.message_in_progress() && parser.headers_complete());
        parser.execute(b"G", 0, &mut Nothing);
        assert!(parser.message_in_progress() && !parser.headers_complete());
        assert!(!parser.is_errored());
        parser.execute(b"X", 0, &mut Nothing);
        assert!(parser.is_errored());
    }

    #[test]
    fn a_parked_parser_waits_for_the_decision() {
        let packet = b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nrest";
        let at = packet.len() - 4;
        let mut parser = parser();
        assert_eq!(
            parser.execute(packet, 0, &mut Nothing),
            Outcome::Parked { at }
        );
        assert_eq!(
            parser.execute(packet, at, &mut Nothing),
            Outcome::Parked { at }
        );
        parser.resolve_upgrade(true);
        assert_eq!(
            parser.execute(packet, at, &mut Nothing),
            Outcome::Upgraded { at }
        );
    }
}
