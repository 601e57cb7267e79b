//! The states of the machine, and the types that its parts share.

use crate::{Outcome, ParseError, invariant};

/// The state of the machine between two bytes. The order is that of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Before a message.
    Start,

    // start_line.rs
    Method,
    SpaceAfterMethod,
    SpacesBeforeTarget,

    // target.rs
    TargetStart,
    Schema,
    SchemaSlash1,
    SchemaSlash2,
    Server,
    ServerAfterAt,
    Path,
    Query,
    Fragment,
    /// At the SP that ended the target.
    SpaceAfterTarget,
    AfterTarget,
    /// At the CR that ended the target.
    CrAfterTarget,
    LfAfterTarget,
    /// At the LF that ended the target.
    BareLfAfterTarget,
    AfterHttp09Target,

    // version.rs
    SpacesBeforeProtocol,
    ProtocolStart,
    Protocol,
    SlashAfterProtocol,
    Major,
    Dot,
    Minor,
    VersionEnd,
    VersionLf,
    H2Preface,

    // fields.rs
    HeadersStart,
    FieldStart,

    // names.rs
    Name,
    NameColonBlanks,
    GeneralName,

    // values.rs
    ValueBlanks,
    EmptyValueLf,
    EmptyValueFold,
    Value,
    LenientValue,
    RelaxedValue,

    // transfer_encoding.rs
    CodingChunked,
    CodingChunkedEnd,
    CodingToken,
    CodingBlanks,

    // content_length.rs
    LengthDigits,
    LengthBlanks,

    // connection.rs
    Connection,
    ConnectionWord,
    ConnectionBlanks,
    ConnectionToken,

    // fields.rs
    ValueLf,
    ValueFold,
    FieldsLf,

    // chunks.rs
    ChunkSizeFirst,
    ChunkSize,
    ChunkSizeEnd,
    ChunkLineLf,

    // chunk_extensions.rs
    Extensions,
    ExtensionName,
    ExtensionValue,
    QuotedValue,
    QuotedPair,
    AfterQuote,

    // chunks.rs
    ChunkDataCr,
    ChunkDataLf,

    // message.rs: what needs the sink.
    FieldsEnd,
    /// The head was reported with the upgrade bit. JavaScript decides whether it accepts.
    Parked,
    Framing,
    ChunkHeader,
    ChunkData,
    Body,
    BodyUntilFin,
    MessageEnd,
    /// Between the end of a message and the next one. It is reached at once, or with the next packet after an upgrade
    /// that was not accepted.
    Cleanup,
    /// After the last message of the connection.
    Closed,
    /// The connection no longer speaks HTTP.
    Upgraded,
    Failed,
}

/// llhttp's flags of the message in progress.
pub(crate) mod flag {
    pub const KEEP_ALIVE: u16 = 1;
    pub const CLOSE: u16 = 1 << 1;
    pub const CONNECTION_UPGRADE: u16 = 1 << 2;
    pub const CHUNKED: u16 = 1 << 3;
    pub const UPGRADE: u16 = 1 << 4;
    pub const CONTENT_LENGTH: u16 = 1 << 5;
    pub const SKIP_BODY: u16 = 1 << 6;
    pub const TRAILING: u16 = 1 << 7;
    pub const TRANSFER_ENCODING: u16 = 1 << 9;
}

/// What the name of the current header line, and its value so far, mean for the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    General,
    Connection,
    ContentLength,
    TransferEncoding,
    Upgrade,
    ConnectionKeepAlive,
    ConnectionClose,
    ConnectionUpgrade,
    TransferEncodingChunked,
}

/// The kind of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    Target,
    Name,
    Value,
    Extension,
}

/// Why the machine stopped before the end of the packet, or at it.
#[derive(Debug)]
pub(super) enum Halt {
    /// The packet has no more bytes.
    Starved,
    Failed(ParseError),
    Outcome(Outcome),
}

pub(super) type Step = Result<(), Halt>;

/// The packet being parsed.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub packet: &'a [u8],
    pub at: usize,
    /// Where the open span begins in this packet.
    pub mark: usize,
}

impl<'a> Input<'a> {
    /// The byte at the current offset, not consumed.
    #[inline(always)]
    pub(super) fn peek(&self) -> Result<u8, Halt> {
        match self.packet.get(self.at) {
            Some(&byte) => Ok(byte),
            None => Err(Halt::Starved),
        }
    }

    /// The bytes from the current offset on.
    #[inline(always)]
    pub fn rest(&self) -> &'a [u8] {
        invariant!(
            self.packet.get(self.at..),
            "the machine stays within its packet"
        )
    }
}
