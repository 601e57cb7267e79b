//! The types of a parsed head: methods, spans, fields.

use crate::invariant;

/// The method names that llhttp knows, at llhttp's own numbers. RTSP and ICE requests are delivered like all others.
pub const METHODS: [&str; 47] = [
    "DELETE",
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "COPY",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "SEARCH",
    "UNLOCK",
    "BIND",
    "REBIND",
    "UNBIND",
    "ACL",
    "REPORT",
    "MKACTIVITY",
    "CHECKOUT",
    "MERGE",
    "M-SEARCH",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "PATCH",
    "PURGE",
    "MKCALENDAR",
    "LINK",
    "UNLINK",
    "SOURCE",
    "PRI",
    "DESCRIBE",
    "ANNOUNCE",
    "SETUP",
    "PLAY",
    "PAUSE",
    "TEARDOWN",
    "GET_PARAMETER",
    "SET_PARAMETER",
    "REDIRECT",
    "RECORD",
    "FLUSH",
    "QUERY",
];

/// A request method: an index into [`METHODS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Method(pub(super) u8);

impl Method {
    /// `GET`
    pub const GET: Method = Method(1);
    /// `CONNECT` (RFC 9110, section 9.3.6)
    pub const CONNECT: Method = Method(5);
    /// `SOURCE`, the only method of ICE requests
    pub const SOURCE: Method = Method(33);
    /// `PRI`, with which an HTTP/2 connection preface begins (RFC 9113, section 3.4)
    pub const PRI: Method = Method(34);
    /// `QUERY`
    pub const QUERY: Method = Method(46);

    /// The position in [`METHODS`].
    pub const fn index(self) -> u32 {
        self.0 as u32
    }

    /// The name as in a request line.
    pub fn as_str(self) -> &'static str {
        invariant!(
            METHODS.get(self.0 as usize).copied(),
            "a method is an index into the table"
        )
    }
}

/// A range of bytes in a packet or in a copy of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The length in bytes.
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether it has no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The bytes of the span. `base` must be the bytes for which it was made.
    pub fn of(self, base: &[u8]) -> &[u8] {
        invariant!(
            base.get(self.start as usize..self.end as usize),
            "a span lies in its base"
        )
    }
}

/// The spans of one header or trailer line. The value has no blanks at its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSpan {
    /// The field name.
    pub name: Span,
    /// The field value without the blanks around it.
    pub value: Span,
}

/// Header or trailer lines in the order in which they came, as in `rawHeaders` and `rawTrailers`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a>(Lines<'a>);

/// The lines, as the machine collects them or as httparse returns them.
#[derive(Clone, Copy, Debug)]
enum Lines<'a> {
    Spans {
        base: &'a [u8],
        spans: &'a [FieldSpan],
    },
    Slices(&'a [httparse::Header<'a>]),
}

impl Default for Lines<'_> {
    fn default() -> Self {
        Lines::Slices(&[])
    }
}

impl<'a> Fields<'a> {
    pub(super) fn of_spans(base: &'a [u8], spans: &'a [FieldSpan]) -> Fields<'a> {
        Fields(Lines::Spans { base, spans })
    }

    pub(super) fn of_slices(lines: &'a [httparse::Header<'a>]) -> Fields<'a> {
        Fields(Lines::Slices(lines))
    }

    /// The number of lines.
    pub fn len(&self) -> usize {
        match self.0 {
            Lines::Spans { spans, .. } => spans.len(),
            Lines::Slices(lines) => lines.len(),
        }
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pair of name and value at `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<(&'a [u8], &'a [u8])> {
        match self.0 {
            Lines::Spans { base, spans } => spans
                .get(index)
                .map(|field| (field.name.of(base), field.value.of(base))),
            Lines::Slices(lines) => lines
                .get(index)
                .map(|line| (line.name.as_bytes(), line.value)),
        }
    }

    /// Pairs of name and value.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let fields = *self;
        (0..self.len()).map(move |index| fields.get(index).unwrap_or_default())
    }
}

/// A complete request head.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method.
    pub method: Method,
    /// The request target, not decoded.
    pub target: &'a [u8],
    /// The major and the minor version.
    pub version: (u8, u8),
    /// The header lines.
    pub fields: Fields<'a>,
    /// The upgrade bit: the method is CONNECT, or there is `Upgrade` with `Connection: upgrade`.
    pub upgrade: bool,
    /// Whether another message may follow on the connection.
    pub keep_alive: bool,
    /// Whether the message is complete with its head: it has no body and no trailers. Then `Sink::message_complete` is
    /// not called.
    pub complete: bool,
}
