//! The states of the exact machine, and what its sections share.

use super::{Outcome, ParseError};

/// Where the machine stands between two bytes. The order is that of the sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Before a message.
    Start,

    // start_line.rs
    Method,
    SpaceAfterMethod,
    SpacesBeforeTarget,
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
    Name,
    NameColonBlanks,
    GeneralName,
    ValueBlanks,
    EmptyValueLf,
    EmptyValueFold,
    Value,
    LenientValue,
    RelaxedValue,
    CodingChunked,
    CodingChunkedEnd,
    CodingToken,
    CodingBlanks,
    LengthDigits,
    LengthBlanks,
    Connection,
    ConnectionWord,
    ConnectionBlanks,
    ConnectionToken,
    ValueLf,
    ValueFold,
    FieldsLf,

    // chunks.rs
    ChunkSizeFirst,
    ChunkSize,
    ChunkSizeEnd,
    ChunkLineLf,
    Extensions,
    ExtensionName,
    ExtensionValue,
    QuotedValue,
    QuotedPair,
    AfterQuote,
    ChunkDataCr,
    ChunkDataLf,

    // Here: what needs the sink.
    FieldsEnd,
    /// The head was reported with the upgrade bit; JavaScript decides.
    Parked,
    Framing,
    ChunkHeader,
    ChunkData,
    Body,
    BodyUntilFin,
    MessageEnd,
    /// Between the end of a message and the next. Reached at once, but for the pause after a
    /// declined upgrade: then by the next packet.
    Cleanup,
    /// After the last message of the connection.
    Closed,
    /// Not HTTP any more.
    Upgraded,
    Failed,
}

/// llhttp's flags of the message in progress.
pub(super) mod flag {
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

/// What the name of the header line in progress, and of its value so far, make of the value.
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

/// What a run of bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanKind {
    Target,
    Name,
    Value,
    Extension,
}

/// Why the machine stopped before the end of the packet, or at it.
#[derive(Debug)]
pub(super) enum Halt {
    /// The packet is used up.
    Starved,
    Failed(ParseError),
    Outcome(Outcome),
}

pub(super) type Step = Result<(), Halt>;

/// The packet being parsed.
#[derive(Debug)]
pub(super) struct Input<'a> {
    pub packet: &'a [u8],
    pub at: usize,
    /// Where the open span begins in this packet.
    pub mark: usize,
}

impl Input<'_> {
    /// The byte at the current offset, not consumed.
    #[inline(always)]
    pub fn peek(&self) -> Result<u8, Halt> {
        match self.packet.get(self.at) {
            Some(&byte) => Ok(byte),
            None => Err(Halt::Starved),
        }
    }
}
