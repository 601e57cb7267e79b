//! The resumable byte-level machine with llhttp's semantics: entry points, message framing,
//! spans. Its sections are [`start_line`](super::start_line), [`fields`](super::fields) and
//! [`chunks`](super::chunks).
//!
//! Offsets follow llhttp: an error is raised at the byte that was looked at, or after it where
//! llhttp consumes first. A run of bytes that JavaScript or a limit must hear of is a *span*;
//! it is reported when it ends and at the end of each packet, and only then limits are checked.

use std::mem::MaybeUninit;

use super::codes::{Code, ParseError, Reason};
use super::fast;
use super::head::{Fields, Head, Method};
use super::limits::Limits;
use super::methods::Candidates;
use super::scene::Moment;
use super::scratch::{self, Scratch};
use super::state::{Halt, Input, SpanKind, Special, State, Step, flag};
use super::{Config, Lenient, Outcome, Sink};

/// What FIN would mean now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fin {
    Safe,
    CompletesMessage,
    CutsMessage,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyKind {
    None,
    /// None, and the parser pauses: the upgrade bit is set.
    NoneThenPause,
    Chunked,
    Length,
    UntilFin,
    Refused,
}

/// What a complete head said of its message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
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
    pub(super) special: Special,
    /// Progress in a literal that spans bytes: which one, and how many matched.
    pub(super) literal: u8,
    pub(super) matched: u8,
    pub(super) candidates: Candidates,
    pub(super) method: Method,
    pub(super) version: (u8, u8),
    pub(super) flags: u16,
    /// Content-Length, or what is left of the body or chunk. Never reset by a message that
    /// ends the connection, which lenient parsing can tell.
    pub(super) length: u64,
    pub(super) limits: Limits,
    pub(super) span: Option<SpanKind>,
    fin: Fin,
    pub(super) upgrade: bool,
    accepted: bool,
    pub(super) in_progress: bool,
    pub(super) headers_complete: bool,
    /// The head said that the message is complete with it.
    told_complete: bool,
    error: Option<ParseError>,
    /// Bytes of the connection before the packet in progress.
    pub(super) consumed: u64,
    /// Where on the connection the message in progress, or else the last one, began.
    pub(super) begun_at: u64,
    /// Where its trailers began, if it has some.
    pub(super) trailers_at: u64,
    /// Heads that were complete.
    pub(super) heads: u32,
    /// What the last complete head said.
    pub(super) told: Told,
    /// What strict parsing would have refused of the message in progress, as bits by the index of the
    /// code: so far, and as the sink was told.
    tolerated: [u32; 2],
    /// The last message ended the connection, but lenient parsing goes on.
    past_the_end: bool,
    /// Held only while a head or trailers are being collected.
    pub(super) scratch: Option<Box<Scratch>>,
}

impl Parser {
    /// A parser for a new connection.
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
            told_complete: false,
            error: None,
            consumed: 0,
            begun_at: 0,
            trailers_at: 0,
            heads: 0,
            told: Told::default(),
            tolerated: [0; 2],
            past_the_end: false,
            scratch: None,
        }
    }

    /// Parses `packet` from offset `from`: 0 for a new packet, `at` of [`Outcome::Parked`] after
    /// [`resolve_upgrade`](Self::resolve_upgrade), with the same packet (even if nothing of it
    /// is left). Offsets in errors count from the start of `packet`.
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
            // `run` only ends by halting.
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
                self.suspend_scratch(packet);
                self.consumed += packet.len() as u64;
                Outcome::Consumed
            }
            Halt::Outcome(outcome) => {
                self.suspend_scratch(packet);
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
                if let Some(scratch) = self.scratch.take() {
                    scratch::give_back(scratch);
                }
                self.refusal(error)
            }
        }
    }

    /// What JavaScript decided about the head that parked the parser.
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

    /// What was told last has met an error of the program's: every later packet is refused, with an error in
    /// whose place the caller puts its own, and FIN is no error.
    pub fn give_up(&mut self) {
        self.state = State::Failed;
        self.error = Some(ParseError {
            code: Code::Strict,
            reason: Reason::EofState,
            bytes_parsed: 0,
        });
        self.span = None;
        self.upgrade = false;
        if let Some(scratch) = self.scratch.take() {
            scratch::give_back(scratch);
        }
    }

    /// FIN was read. Completes a body that lasts until FIN (lenient only), else says whether a
    /// message was cut off. Silent on a parser that has failed already.
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

    /// How many of the bytes that come next belong to the body in any case, so that nobody need
    /// look at them. 0 where they may belong to something else.
    pub fn body_ahead(&self) -> u64 {
        match self.state {
            // A message with the upgrade bit ends its packet.
            State::Body | State::ChunkData if !self.upgrade => self.length,
            _ => 0,
        }
    }

    /// Consumes `count` body bytes that were read elsewhere. Call [`execute`](Self::execute) next with
    /// the rest of their packet, even if it is empty.
    pub fn pass_body(&mut self, count: u64) {
        self.length = self.length.saturating_sub(count);
        self.consumed += count;
    }

    /// A message has begun and is not complete.
    pub fn message_in_progress(&self) -> bool {
        self.in_progress
    }

    /// The head of the last message that began is complete.
    pub fn headers_complete(&self) -> bool {
        self.headers_complete
    }

    /// A packet was refused, told or not; every later one will be.
    pub fn is_errored(&self) -> bool {
        self.state == State::Failed
    }

    /// Node's binding stays silent about errors while the last complete head has the upgrade
    /// bit.
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
                State::BodyUntilFin => {
                    let rest = input.packet.get(input.at..).unwrap_or(&[]);
                    if !rest.is_empty() {
                        sink.body(rest);
                    }
                    input.at = input.packet.len();
                    return Err(Halt::Starved);
                }
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
                    // Failed: the first error again.
                    return Err(match self.error {
                        Some(error) => Halt::Outcome(self.refusal(error)),
                        None => Halt::Starved,
                    });
                }
            }
        }
    }

    /// CR and LF before a message are skipped; any other byte begins one.
    fn start<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) -> Step {
        while matches!(input.peek()?, b'\r' | b'\n') {
            input.at += 1;
        }
        if self.tolerated[0] != 0 || self.past_the_end {
            self.tell_tolerated(sink);
            self.tolerated = [0; 2];
            if std::mem::take(&mut self.past_the_end) {
                self.note_tolerated(Code::ClosedConnection);
            }
        }
        self.fin = Fin::CutsMessage;
        self.in_progress = true;
        self.headers_complete = false;
        self.limits.message_begin();
        self.begun_at = self.consumed + input.at as u64;
        sink.message_begin();
        if self.config.fast_path
            && Lenient::HEADER_VALUE_RELAXED.contains(self.config.lenient)
            && self.fast_head(input, sink)
        {
            return Ok(());
        }
        self.scratch.get_or_insert_with(scratch::take).clear();
        self.candidates = Candidates::ALL;
        self.state = State::Method;
        Ok(())
    }

    /// Tries to read a whole head at once. Nothing has changed if that fails.
    fn fast_head<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) -> bool {
        let rest = input.packet.get(input.at..).unwrap_or(&[]);
        let mut few = [httparse::EMPTY_HEADER; fast::FEW_FIELDS];
        let mut many = [const { MaybeUninit::uninit() }; fast::MAX_FIELDS];
        let Some(found) = fast::parse(rest, &self.config, &mut few, &mut many) else {
            return false;
        };
        self.method = found.method;
        self.version = found.version;
        self.flags = found.flags;
        self.length = found.length;
        input.at += found.len;
        self.report_head(found.target, Fields::of_slices(found.fields), sink);
        true
    }

    fn head<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) {
        let mut scratch = self.scratch.take().unwrap_or_else(scratch::take);
        let (target, fields) = scratch.head(input.packet);
        if self.limits.has_flushed() {
            sink.fields_flushed(false);
        }
        self.report_head(target, fields, sink);
        scratch.clear();
        self.scratch = Some(scratch);
    }

    #[inline]
    fn report_head<S: Sink + ?Sized>(&mut self, target: &[u8], fields: Fields<'_>, sink: &mut S) {
        self.upgrade = self.has(flag::UPGRADE) && self.has(flag::CONNECTION_UPGRADE)
            || self.method == Method::CONNECT;
        self.headers_complete = true;
        self.accepted = false;
        self.heads = self.heads.wrapping_add(1);
        self.told = Told {
            method: self.method,
            flags: self.flags,
            length: self.length,
        };
        self.limits.head_complete();
        self.told_complete = matches!(self.body_kind(), BodyKind::None | BodyKind::NoneThenPause);
        let keep_alive = should_keep_alive(self.version, self.flags);
        sink.head(&Head {
            method: self.method,
            target,
            version: self.version,
            fields,
            upgrade: self.upgrade,
            keep_alive,
            complete: self.told_complete,
        });
        self.state = if self.upgrade {
            State::Parked
        } else {
            State::Framing
        };
        if self.told_complete && !self.upgrade {
            // What framing would do, at once.
            self.in_progress = false;
            self.cleanup();
        }
    }

    fn body_kind(&self) -> BodyKind {
        let has_body = self.has(flag::CHUNKED) || self.length > 0;
        if self.upgrade
            && (self.method == Method::CONNECT || self.has(flag::SKIP_BODY) || !has_body)
        {
            return BodyKind::NoneThenPause;
        }
        if self.has(flag::SKIP_BODY) {
            BodyKind::None
        } else if self.has(flag::CHUNKED) {
            BodyKind::Chunked
        } else if self.has(flag::TRANSFER_ENCODING) {
            if self.lenient(Lenient::CHUNKED_LENGTH) || self.lenient(Lenient::TRANSFER_ENCODING) {
                BodyKind::UntilFin
            } else {
                BodyKind::Refused
            }
        } else if self.has(flag::CONTENT_LENGTH) && self.length > 0 {
            BodyKind::Length
        } else {
            BodyKind::None
        }
    }

    /// After a head: chooses the body's state.
    fn framing<S: Sink + ?Sized>(&mut self, input: &Input<'_>, sink: &mut S) -> Step {
        match self.body_kind() {
            BodyKind::None => {
                self.message_end(input, sink);
                self.state = State::Cleanup;
            }
            BodyKind::NoneThenPause => {
                self.message_end(input, sink);
                self.after_message(input)?;
            }
            BodyKind::Chunked => {
                self.length = 0;
                self.state = State::ChunkSizeFirst;
            }
            BodyKind::Length => self.state = State::Body,
            BodyKind::UntilFin => {
                self.note_tolerated(Code::InvalidTransferEncoding);
                self.fin = Fin::CompletesMessage;
                self.state = State::BodyUntilFin;
            }
            BodyKind::Refused => {
                return self.fail(
                    Code::InvalidTransferEncoding,
                    Reason::RequestTransferEncoding,
                    input.at,
                );
            }
        }
        Ok(())
    }

    fn chunk_header(&mut self, input: &Input<'_>) {
        self.limits.chunk_header();
        if self.length == 0 {
            self.flags |= flag::TRAILING;
            self.trailers_at = self.consumed + input.at as u64;
            self.scratch.get_or_insert_with(scratch::take).clear();
            self.state = State::FieldStart;
        } else {
            self.state = State::ChunkData;
        }
    }

    /// Hands over what the packet has of the body or chunk; starved unless that is all of it.
    fn body<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) -> Step {
        let rest = input.packet.get(input.at..).unwrap_or(&[]);
        let whole = rest.len() as u64 >= self.length;
        let run = if whole {
            rest.get(..self.length as usize).unwrap_or(rest)
        } else {
            rest
        };
        if !run.is_empty() {
            sink.body(run);
        }
        input.at += run.len();
        self.length -= run.len() as u64;
        if whole { Ok(()) } else { Err(Halt::Starved) }
    }

    fn message_end<S: Sink + ?Sized>(&mut self, input: &Input<'_>, sink: &mut S) {
        self.in_progress = false;
        if self.told_complete {
            return;
        }
        if !self.has(flag::TRAILING) {
            sink.message_complete(&Fields::default());
            return;
        }
        let scratch = self.scratch.get_or_insert_with(scratch::take);
        sink.message_complete(&scratch.head(input.packet).1);
        scratch.clear();
    }

    /// A message with the upgrade bit ends the packet, or the HTTP part of the connection.
    fn after_message(&mut self, input: &Input<'_>) -> Step {
        if !self.upgrade {
            self.state = State::Cleanup;
            return Ok(());
        }
        if self.accepted {
            self.state = State::Upgraded;
            return Err(Halt::Outcome(Outcome::Upgraded { at: input.at }));
        }
        self.state = State::Cleanup;
        Err(Halt::Outcome(Outcome::Consumed))
    }

    fn cleanup(&mut self) {
        let keep_alive = should_keep_alive(self.version, self.flags);
        self.fin = Fin::Safe;
        self.flags = 0;
        if keep_alive {
            self.length = 0;
        }
        self.state = if keep_alive || self.lenient(Lenient::KEEP_ALIVE) {
            self.past_the_end = !keep_alive;
            State::Start
        } else {
            State::Closed
        };
    }

    fn closed(&mut self, input: &mut Input<'_>) -> Step {
        loop {
            let byte = input.peek()?;
            input.at += 1;
            if !matches!(byte, b'\r' | b'\n')
                && !self.tolerates(Lenient::DATA_AFTER_CLOSE, Code::ClosedConnection)
            {
                return self.fail(Code::ClosedConnection, Reason::DataAfterClose, input.at);
            }
        }
    }

    #[inline(always)]
    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    #[inline(always)]
    pub(super) fn lenient(&self, flag: Lenient) -> bool {
        self.config.lenient.contains(flag)
    }

    /// Whether lenient parsing lets through what strict parsing refuses with this code. It is noted.
    #[cold]
    pub(super) fn tolerates(&mut self, flag: Lenient, code: Code) -> bool {
        let tolerates = self.lenient(flag);
        if tolerates {
            self.note_tolerated(code);
        }
        tolerates
    }

    /// Likewise, of a line that ends in LF alone.
    pub(super) fn tolerates_bare_lf(&mut self, code: Code) -> bool {
        self.tolerates(Lenient::OPTIONAL_CR_BEFORE_LF, code)
    }

    fn note_tolerated(&mut self, code: Code) {
        self.tolerated[0] |= 1 << code.index();
    }

    #[cold]
    fn tell_tolerated<S: Sink + ?Sized>(&mut self, sink: &mut S) {
        let [so_far, told] = self.tolerated;
        let fresh = so_far & !told;
        for &code in Code::ALL {
            if fresh & 1 << code.index() != 0 {
                sink.tolerated(code);
            }
        }
        self.tolerated[1] = so_far;
    }

    /// An error at offset `at`, as the result of a step.
    #[cold]
    pub(super) fn fail(&self, code: Code, reason: Reason, at: usize) -> Step {
        Err(Halt::Failed(ParseError {
            code,
            reason,
            bytes_parsed: at as i32,
        }))
    }

    /// A span begins at the current offset.
    #[inline]
    pub(super) fn begin_span(&mut self, kind: SpanKind, input: &mut Input<'_>) {
        self.span = Some(kind);
        input.mark = input.at;
        if kind != SpanKind::Extension
            && let Some(scratch) = &mut self.scratch
        {
            scratch.begin(kind, input.packet);
        }
    }

    /// The open span ends before `end`. If a limit is reached, the error is at `error_at`.
    #[inline]
    pub(super) fn end_span(&mut self, input: &Input<'_>, end: usize, error_at: usize) -> Step {
        match self.span.take() {
            Some(kind) => self.report_span(kind, input, end, error_at),
            None => Ok(()),
        }
    }

    fn suspend_span(&mut self, input: &Input<'_>) -> Step {
        let end = input.packet.len();
        match self.span {
            Some(kind) => self.report_span(kind, input, end, end),
            None => Ok(()),
        }
    }

    fn report_span(
        &mut self,
        kind: SpanKind,
        input: &Input<'_>,
        end: usize,
        error_at: usize,
    ) -> Step {
        let len = end - input.mark;
        if kind == SpanKind::Extension {
            return match self.limits.count_extension(len) {
                Ok(()) => Ok(()),
                Err((code, reason)) => self.fail(code, reason, error_at),
            };
        }
        if let Err((code, reason)) = self.limits.count_bytes(len, &self.config) {
            return self.fail(code, reason, error_at);
        }
        let Some(scratch) = &mut self.scratch else {
            return Ok(());
        };
        if kind == SpanKind::Name && scratch.begins_field() {
            match self.limits.count_field(&self.config) {
                Ok(keep) => scratch.begin_field(keep),
                Err((code, reason)) => return self.fail(code, reason, error_at),
            }
        }
        scratch.extend(kind, input.packet, input.mark, end);
        Ok(())
    }

    /// The packet is about to go: keeps what is needed of it, or gives the scratch back.
    fn suspend_scratch(&mut self, packet: &[u8]) {
        let collecting = self.state > State::Start && self.state < State::ChunkSizeFirst;
        if collecting {
            if let Some(scratch) = &mut self.scratch {
                scratch.detach(packet);
                scratch.carry(self.state);
            }
        } else if let Some(scratch) = self.scratch.take() {
            scratch::give_back(scratch);
        }
    }
}

/// llhttp's rule; it takes only HTTP/1.1 to keep alive by default (2.0 has minor 0).
fn should_keep_alive(version: (u8, u8), flags: u16) -> bool {
    if version.0 > 0 && version.1 > 0 {
        flags & flag::CLOSE == 0
    } else {
        flags & flag::KEEP_ALIVE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;

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
            let collecting = parser.scratch.is_some();
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
