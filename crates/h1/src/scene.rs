//! What the parser knows at one moment, for explanations: its position, the part of the message, and what came before.
//! It is used only when a packet is refused or a connection ends.

use std::cell::OnceCell;

use super::codes::{Code, ParseError, Reason};
use super::head::{Fields, Method};
use super::invariant;
use super::limits::MAX_CHUNK_EXTENSIONS;
use super::machine::{HeadBuffer, Input, LastHead, Parser, SpanKind, State, flag};

macro_rules! texts {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $(#[$doc])* $variant,)*
        }

        impl $name {
            /// The word for JavaScript.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }
        }
    };
}

texts! {
    /// How far a message has come.
    Phase {
        /// Nothing was received on the connection.
        Silent = "silent",
        StartLine = "start-line",
        Head = "head",
        /// A body with a Content-Length, or one that lasts until FIN.
        Body = "body",
        /// Chunk sizes, extensions and data.
        Chunk = "chunk",
        Trailers = "trailers",
        /// After a message, and before the first byte of the next.
        Between = "between",
    }
}

texts! {
    /// The element of the grammar that a byte belongs to.
    Part {
        Method = "method",
        Target = "target",
        Protocol = "protocol",
        Version = "version",
        /// The end of a request line, field line or chunk size line.
        LineEnd = "line-end",
        /// The preface of an HTTP/2 client.
        Preface = "preface",
        FieldName = "field-name",
        FieldValue = "field-value",
        /// The empty line that ends a head or trailers.
        HeadEnd = "head-end",
        Body = "body",
        ChunkSize = "chunk-size",
        ChunkExtension = "chunk-extension",
        ChunkData = "chunk-data",
        /// Where a message begins or would begin.
        Message = "message",
    }
}

/// A limit that was reached. `seen` is a lower bound, because what follows was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of target, names and values.
    HeaderSize {
        /// The limit.
        value: u64,
        /// What was counted so far.
        seen: u64,
    },
    /// Lines of a head or trailers.
    HeaderCount {
        /// The limit.
        value: u64,
        /// What was counted so far.
        seen: u64,
    },
    /// Bytes of one chunk's extensions.
    ChunkExtensions {
        /// The limit.
        value: u64,
        /// What was counted so far.
        seen: u64,
    },
}

/// A message whose head was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its method.
    pub method: Method,
    /// Its Content-Length, if it has one.
    pub content_length: Option<u64>,
    /// It has a Transfer-Encoding.
    pub transfer_encoding: bool,
}

/// Where the packet began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'a> {
    /// Outside of a head and of trailers.
    No,
    /// Before a target, within the method or behind it.
    Method,
    /// Within a target. This part of it came before, and may be empty.
    Target(&'a [u8]),
    /// Behind a target, in the request line.
    Protocol,
    /// Within the lines.
    Lines {
        /// The name of the last line that had begun, if it is known.
        name: Option<&'a [u8]>,
        /// That line was not complete.
        within: bool,
    },
}

/// The parser at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The packet. It is empty between two packets.
    pub packet: &'a [u8],
    /// The offset in the packet at which the parser stopped.
    pub at: usize,
    /// How many bytes of the connection came before the packet.
    pub consumed: u64,
    /// The offset on the connection at which the message began.
    pub begun_at: u64,
    /// The offset on the connection at which the head or the trailers began.
    pub lines_at: u64,
    /// How many heads were complete.
    pub heads: u32,
    /// How far the message has come.
    pub phase: Phase,
    /// The element that the parser is at.
    pub part: Part,
    /// How many bytes of a target, a name or a value come before `at`.
    pub index: usize,
    /// The method of the current message, if it is complete.
    pub method: Option<Method>,
    /// The bytes of the method's name that were matched.
    pub method_name: &'static [u8],
    /// The target so far: the part before this packet, and the part in it.
    pub target: [&'a [u8]; 2],
    /// The lines so far. The name or value in progress may be missing.
    pub fields: Fields<'a>,
    /// The name of the current line, in the same two parts.
    pub field: Option<[&'a [u8]; 2]>,
    /// The limit that was reached.
    pub limit: Option<Limit>,
    /// The message in progress, if its head is complete.
    pub message: Option<Message>,
    /// The message before it.
    pub previous: Option<Message>,
    /// How many bytes of the body or chunk are left.
    pub left: u64,
    /// Where the packet began.
    pub carried: Carried<'a>,
}

/// The beginning of a message whose method is refused.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The packet.
    pub packet: &'a [u8],
    /// The offset in the packet at which the message begins, if it begins there.
    pub begin: Option<usize>,
    /// The part of the method that came before the packet.
    pub earlier: &'static [u8],
    /// The message before it.
    pub previous: Option<Message>,
}

/// The parser at an error, while it still knows everything.
#[derive(Debug)]
pub struct Moment<'a> {
    parser: &'a Parser,
    packet: &'a [u8],
    at: usize,
    mark: usize,
    error: ParseError,
    scene: OnceCell<Scene<'a>>,
}

impl<'a> Moment<'a> {
    pub(super) fn new(parser: &'a Parser, input: &Input<'a>, error: ParseError) -> Moment<'a> {
        Moment {
            parser,
            packet: input.packet,
            at: input.at,
            mark: input.mark,
            error,
            scene: OnceCell::new(),
        }
    }

    /// What the parser knows. It is made only when somebody asks for it, because less is enough to classify most
    /// refusals of a flood.
    pub fn scene(&self) -> &Scene<'a> {
        self.scene.get_or_init(|| {
            let input = Input {
                packet: self.packet,
                at: self.at,
                mark: self.mark,
            };
            self.parser.scene_of(&input, Some(&self.error))
        })
    }

    /// The beginning of the message, if its method was refused.
    pub fn opening(&self) -> Opening<'a> {
        let parser = self.parser;
        let begin = parser.begun_at.checked_sub(parser.consumed);
        let matched = match parser.state {
            State::Method => parser.candidates.matched(),
            _ => parser.method.as_str().as_bytes(),
        };
        let earlier = matched.len().saturating_sub(self.at);
        Opening {
            packet: self.packet,
            begin: begin.and_then(|at| usize::try_from(at).ok()),
            earlier: invariant!(matched.get(..earlier), "a part is no longer than the whole"),
            previous: (parser.heads > 0).then(|| parser.last_head.message()),
        }
    }
}

impl LastHead {
    fn message(self) -> Message {
        Message {
            method: self.method,
            content_length: (self.flags & flag::CONTENT_LENGTH != 0).then_some(self.length),
            transfer_encoding: self.flags & flag::TRANSFER_ENCODING != 0,
        }
    }
}

impl Parser {
    /// How far the message has come, between two packets.
    pub fn phase(&self) -> Phase {
        self.phase_at(0)
    }

    /// What the parser knows between two packets.
    pub fn scene(&self) -> Scene<'_> {
        let input = Input {
            packet: &[],
            at: 0,
            mark: 0,
        };
        self.scene_of(&input, None)
    }

    #[cold]
    fn scene_of<'a>(&'a self, input: &Input<'a>, error: Option<&ParseError>) -> Scene<'a> {
        let Input { packet, at, .. } = *input;
        let phase = self.phase_at(at);
        let lines = self.lines(input, phase, error);
        let mut part = lines.part;
        let mut field = lines.field;
        if let Some(error) = error {
            part = refused_part(error.reason, part);
            if error.reason == Reason::RequestTransferEncoding {
                field = Some([b"Transfer-Encoding", &[]]);
            }
        }
        let last_head = (self.heads > 0).then(|| self.last_head.message());
        let in_message = self.headers_complete && self.in_progress;
        Scene {
            packet,
            at,
            consumed: self.consumed,
            begun_at: self.begun_at,
            lines_at: if self.has(flag::TRAILING) {
                self.trailers_at
            } else {
                self.begun_at
            },
            heads: self.heads,
            phase,
            part,
            index: match part {
                Part::Target => total(lines.target),
                Part::FieldName => field.map_or(0, total),
                Part::FieldValue => lines.value,
                _ => 0,
            },
            method: self.known_method(phase),
            method_name: match self.known_method(phase) {
                Some(method) => method.as_str().as_bytes(),
                None if self.state == State::Method => self.candidates.matched(),
                None => &[],
            },
            target: lines.target,
            fields: lines.fields,
            field,
            limit: error.and_then(|error| self.limit(error.code)),
            message: last_head.filter(|_| in_message),
            previous: last_head.filter(|_| !in_message),
            left: match self.state {
                State::Body | State::ChunkData => self.length,
                _ => 0,
            },
            carried: self.carried(packet),
        }
    }

    /// The target and the lines, as far as they have come.
    fn lines<'a>(
        &'a self,
        input: &Input<'a>,
        phase: Phase,
        error: Option<&ParseError>,
    ) -> LinesSoFar<'a> {
        let Input { packet, at, mark } = *input;
        let buffer = self.head_buffer.as_deref();
        // The next byte may fold the line. Most likely it does not, so the line counts as complete.
        let folds = self.state == State::ValueFold && error.is_none();
        let part = if folds {
            Part::HeadEnd
        } else {
            part(self.state)
        };
        let overflow = error.is_some_and(|error| error.code == Code::HeaderOverflow);
        // A span that a limit refused is not in the head buffer yet.
        let open = self.span.or(overflow.then_some(match part {
            Part::FieldName => SpanKind::Name,
            Part::FieldValue => SpanKind::Value,
            _ => SpanKind::Target,
        }));
        let here = invariant!(packet.get(mark..at), "a span begins before it ends");
        let open_pieces = |kind| [buffer.map_or(&[][..], |buffer| buffer.before(kind)), here];

        let in_lines = matches!(phase, Phase::StartLine | Phase::Head | Phase::Trailers);
        let (target, fields) = match buffer {
            Some(buffer) if in_lines => buffer.head(packet),
            _ => Default::default(),
        };
        let last = fields
            .len()
            .checked_sub(1)
            .and_then(|last| fields.get(last));
        let in_line = (State::Name..=State::ValueFold).contains(&self.state) && !folds;
        let keeps = buffer.is_some_and(HeadBuffer::keeps);
        LinesSoFar {
            part,
            target: match open {
                Some(SpanKind::Target) if in_lines => open_pieces(SpanKind::Target),
                _ => [target, &[]],
            },
            fields,
            field: match (open, last) {
                _ if !in_line => None,
                (Some(SpanKind::Name), _) => Some(open_pieces(SpanKind::Name)),
                (_, Some((name, _))) if keeps => Some([name, &[]]),
                _ => None,
            },
            value: match open {
                Some(SpanKind::Value) => total(open_pieces(SpanKind::Value)),
                _ => last.map_or(0, |(_, value)| value.len()),
            },
        }
    }

    fn phase_at(&self, at: usize) -> Phase {
        match self.state {
            State::Start if self.consumed == 0 && at == 0 => Phase::Silent,
            State::Start => Phase::Between,
            state if state < State::HeadersStart => Phase::StartLine,
            state if state < State::ChunkSizeFirst && self.has(flag::TRAILING) => Phase::Trailers,
            state if state < State::ChunkSizeFirst => Phase::Head,
            State::FieldsEnd | State::Parked | State::Framing => Phase::Head,
            State::Body | State::BodyUntilFin => Phase::Body,
            State::MessageEnd | State::Cleanup | State::Closed => Phase::Between,
            State::Upgraded | State::Failed => Phase::Between,
            _ => Phase::Chunk,
        }
    }

    fn known_method(&self, phase: Phase) -> Option<Method> {
        match phase {
            Phase::Silent | Phase::Between => None,
            Phase::StartLine if self.state == State::Method => None,
            _ => Some(self.method),
        }
    }

    fn limit(&self, code: Code) -> Option<Limit> {
        let size = self.limits.head_bytes();
        match code {
            Code::HeaderOverflow if size >= self.config.max_header_size => {
                Some(Limit::HeaderSize {
                    value: self.config.max_header_size,
                    seen: size,
                })
            }
            Code::HeaderOverflow => Some(Limit::HeaderCount {
                value: self.config.max_header_pairs.max(0) as u64 / 2,
                seen: self.limits.fields(),
            }),
            Code::ChunkExtensionsOverflow => Some(Limit::ChunkExtensions {
                value: MAX_CHUNK_EXTENSIONS,
                seen: self.limits.extension_bytes(),
            }),
            _ => None,
        }
    }

    fn carried<'a>(&'a self, packet: &'a [u8]) -> Carried<'a> {
        let Some(buffer) = &self.head_buffer else {
            return Carried::No;
        };
        match buffer.carried(packet) {
            None => Carried::No,
            Some((state, _)) if state <= State::SpaceAfterMethod => Carried::Method,
            Some((state, _)) if state < State::SpaceAfterTarget => {
                Carried::Target(buffer.carried_target(packet))
            }
            Some((state, _)) if state < State::HeadersStart => Carried::Protocol,
            Some((state, name)) => Carried::Lines {
                name,
                within: !matches!(
                    state,
                    State::HeadersStart | State::FieldStart | State::ValueFold
                ),
            },
        }
    }
}

/// The target and the lines, as far as they have come.
struct LinesSoFar<'a> {
    part: Part,
    target: [&'a [u8]; 2],
    fields: Fields<'a>,
    /// The name of the line in progress.
    field: Option<[&'a [u8]; 2]>,
    /// How many bytes the current value has, or else the last one.
    value: usize,
}

fn total(pieces: [&[u8]; 2]) -> usize {
    pieces[0].len() + pieces[1].len()
}

/// The part of the grammar to which a state belongs.
fn part(state: State) -> Part {
    match state {
        State::Method | State::SpaceAfterMethod => Part::Method,
        State::CrAfterTarget | State::LfAfterTarget => Part::LineEnd,
        State::BareLfAfterTarget | State::AfterHttp09Target => Part::LineEnd,
        State::SpaceAfterTarget | State::AfterTarget => Part::Protocol,
        State::SpacesBeforeProtocol | State::ProtocolStart | State::Protocol => Part::Protocol,
        State::SlashAfterProtocol => Part::Protocol,
        State::Major | State::Dot | State::Minor => Part::Version,
        State::VersionEnd | State::VersionLf => Part::LineEnd,
        State::H2Preface => Part::Preface,
        state if state > State::SpaceAfterMethod && state < State::SpaceAfterTarget => Part::Target,
        State::HeadersStart | State::FieldStart | State::Name => Part::FieldName,
        State::NameColonBlanks | State::GeneralName => Part::FieldName,
        State::EmptyValueLf | State::ValueLf => Part::LineEnd,
        State::FieldsLf | State::FieldsEnd | State::Parked | State::Framing => Part::HeadEnd,
        state if state < State::FieldsLf && state > State::GeneralName => Part::FieldValue,
        State::ChunkSizeFirst | State::ChunkSize | State::ChunkSizeEnd => Part::ChunkSize,
        State::ChunkLineLf => Part::LineEnd,
        State::ChunkDataCr | State::ChunkDataLf => Part::ChunkData,
        State::ChunkHeader | State::ChunkData => Part::ChunkData,
        State::Extensions | State::ExtensionName | State::ExtensionValue => Part::ChunkExtension,
        State::QuotedValue | State::QuotedPair | State::AfterQuote => Part::ChunkExtension,
        State::Body | State::BodyUntilFin => Part::Body,
        _ => Part::Message,
    }
}

/// The part of an error. Some reasons say more about it than the state.
fn refused_part(reason: Reason, part: Part) -> Part {
    match reason {
        Reason::TransferEncodingWithContentLength | Reason::ContentLengthWithTransferEncoding => {
            Part::FieldName
        }
        Reason::RequestTransferEncoding => Part::FieldValue,
        Reason::CrAfterValue | Reason::CrAfterChunkSize => Part::LineEnd,
        Reason::CrAfterChunkExtensionName | Reason::CrAfterChunkExtensionValue => Part::LineEnd,
        Reason::Protocol | Reason::HttpMethod | Reason::RtspMethod | Reason::IceMethod => {
            Part::Protocol
        }
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Head, Lenient, Outcome, Profile, Sink};
    use super::*;

    /// Writes down each scene.
    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Sink for Notes {
        fn message_begin(&mut self) {}
        fn head(&mut self, _: &Head<'_>) {}
        fn body(&mut self, _: &[u8]) {}
        fn message_complete(&mut self, _: &Fields<'_>) {}
        fn refused(&mut self, _: &ParseError, moment: &Moment<'_>) {
            let scene = moment.scene();
            let field = scene.field.map(|pieces| pieces.concat());
            self.0.push(format!(
                "{} {} {} {:?} {}",
                scene.phase.as_str(),
                scene.part.as_str(),
                scene.index,
                field.map(|name| String::from_utf8_lossy(&name).into_owned()),
                scene.consumed + scene.at as u64 - scene.begun_at,
            ));
        }
    }

    fn parser(max_header_size: u64) -> Parser {
        Parser::new(Config {
            profile: Profile::for_host("9.4.3", 24),
            lenient: Lenient::NONE,
            max_header_size,
            max_header_pairs: 2000,
            fast_path: true,
        })
    }

    #[test]
    fn the_scene_of_a_refusal_is_the_same_wherever_packets_are_cut() {
        let cases: &[(&str, &str)] = &[
            ("GARBAGE / HTTP/1.1\r\n\r\n", "start-line method 0 None 1"),
            ("GET /\u{1} HTTP/1.1\r\n\r\n", "start-line target 1 None 5"),
            ("GET / HTXP/1.1\r\n\r\n", "start-line protocol 0 None 8"),
            (
                "GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
                "head field-name 3 Some(\"Bad\") 19",
            ),
            (
                "GET / HTTP/1.1\r\nA: b\r\nCookie: ab\u{0}\r\n\r\n",
                "head field-value 2 Some(\"Cookie\") 32",
            ),
            (
                "POST / HTTP/1.1\r\nUpgrade : b\r\n\r\n",
                "head field-name 7 Some(\"Upgrade\") 24",
            ),
            (
                "GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
                "head line-end 0 Some(\"A\") 20",
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                "head field-name 17 Some(\"Transfer-Encoding\") 54",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nhuh",
                "chunk chunk-size 0 None 54",
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA\u{1}: b\r\n\r\n",
                "trailers field-name 1 Some(\"A\") 51",
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabcd",
                "start-line method 0 None 0",
            ),
            (
                "GET / HTTP/1.1\r\nConnection: close\r\n\r\nX",
                "between message 0 None 38",
            ),
        ];
        for (request, expected) in cases {
            // Miri is slow.
            for cut in (0..request.len()).step_by(if cfg!(miri) { 7 } else { 1 }) {
                let mut parser = parser(16384);
                let mut notes = Notes::default();
                for piece in [&request[..cut], &request[cut..]] {
                    let _ = parser.execute(piece.as_bytes(), 0, &mut notes);
                }
                assert_eq!(notes.0, [*expected], "{request:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_limit_names_the_part_that_reached_it() {
        for (request, expected) in [
            (
                "GET /abcdefgh HTTP/1.1\r\n\r\n",
                "start-line target 9 None 13",
            ),
            (
                "GET / HTTP/1.1\r\nabcdefgh: g\r\n",
                "head field-name 8 Some(\"abcdefgh\") 24",
            ),
            (
                "GET / HTTP/1.1\r\na: bcdefgh\r\n",
                "head field-value 7 Some(\"a\") 26",
            ),
        ] {
            let mut parser = parser(8);
            let mut notes = Notes::default();
            assert!(matches!(
                parser.execute(request.as_bytes(), 0, &mut notes),
                Outcome::Failed(_)
            ));
            assert_eq!(notes.0, [expected], "{request:?}");
        }
    }

    #[test]
    fn what_a_packet_began_in_is_known() {
        let mut parser = parser(16384);
        let mut notes = Notes::default();
        let _ = parser.execute(b"G", 0, &mut notes);
        assert_eq!(parser.scene().carried, Carried::Method);
        assert_eq!(parser.scene().method_name, b"G");
        let _ = parser.execute(b"ET /", 0, &mut notes);
        assert_eq!(parser.scene().carried, Carried::Target(b"/"));
        let _ = parser.execute(b" HT", 0, &mut notes);
        assert_eq!(parser.scene().carried, Carried::Protocol);
        let _ = parser.execute(b"TP/1.1\r\nCook", 0, &mut notes);
        let within = |name: &'static [u8], within| Carried::Lines {
            name: Some(name),
            within,
        };
        assert_eq!(parser.scene().carried, within(b"Cook", true));
        let _ = parser.execute(b"ie: a", 0, &mut notes);
        assert_eq!(parser.scene().carried, within(b"Cookie", true));
        let _ = parser.execute(b"b\r\n", 0, &mut notes);
        assert_eq!(parser.scene().carried, within(b"Cookie", false));
        let _ = parser.execute(b"A: b\r\n\r\n", 0, &mut notes);
        assert_eq!(parser.scene().carried, Carried::No);
    }
}
