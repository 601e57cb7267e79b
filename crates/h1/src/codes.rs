//! The table of error codes, reasons and default replies.

/// Declares an enum whose variants have a text and a fixed order.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
        }

        impl $name {
            /// Every variant, at its own [`index`](Self::index).
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The text that JavaScript sees.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $text,)*
                }
            }

            /// The position in [`ALL`](Self::ALL).
            pub const fn index(self) -> u32 {
                self as u32
            }
        }
    };
}

table! {
    /// `err.code` of a refusal. All except the last come from the parser.
    Code {
        InvalidMethod = "HPE_INVALID_METHOD",
        InvalidUrl = "HPE_INVALID_URL",
        InvalidConstant = "HPE_INVALID_CONSTANT",
        InvalidVersion = "HPE_INVALID_VERSION",
        Strict = "HPE_STRICT",
        UnexpectedSpace = "HPE_UNEXPECTED_SPACE",
        InvalidHeaderToken = "HPE_INVALID_HEADER_TOKEN",
        CrExpected = "HPE_CR_EXPECTED",
        LfExpected = "HPE_LF_EXPECTED",
        InvalidContentLength = "HPE_INVALID_CONTENT_LENGTH",
        UnexpectedContentLength = "HPE_UNEXPECTED_CONTENT_LENGTH",
        InvalidTransferEncoding = "HPE_INVALID_TRANSFER_ENCODING",
        InvalidChunkSize = "HPE_INVALID_CHUNK_SIZE",
        ClosedConnection = "HPE_CLOSED_CONNECTION",
        PausedH2Upgrade = "HPE_PAUSED_H2_UPGRADE",
        InvalidEofState = "HPE_INVALID_EOF_STATE",
        HeaderOverflow = "HPE_HEADER_OVERFLOW",
        ChunkExtensionsOverflow = "HPE_CHUNK_EXTENSIONS_OVERFLOW",
        RequestTimeout = "ERR_HTTP_REQUEST_TIMEOUT",
    }
}

table! {
    /// `err.reason` of a parse error. One code has several reasons, and "Expected CRLF after
    /// version" has two codes.
    Reason {
        InvalidMethod = "Invalid method encountered",
        SpaceAfterMethod = "Expected space after method",
        UrlCharacters = "Invalid characters in url",
        UrlStart = "Unexpected start char in url",
        UrlSchema = "Unexpected char in url schema",
        UrlServer = "Unexpected char in url server",
        UrlDoubleAt = "Double @ in url",
        UrlPath = "Invalid char in url path",
        UrlQuery = "Invalid char in url query",
        UrlFragment = "Invalid char in url fragment start",
        UrlCrlf = "Expected CRLF",
        Protocol = "Expected HTTP/, RTSP/ or ICE/",
        HttpMethod = "Invalid method for HTTP/x.x request",
        RtspMethod = "Invalid method for RTSP/x.x request",
        IceMethod = "Expected SOURCE method for ICE/x.x request",
        MajorVersion = "Invalid major version",
        VersionDot = "Expected dot",
        MinorVersion = "Invalid minor version",
        Version = "Invalid HTTP version",
        CrlfAfterVersion = "Expected CRLF after version",
        H2Preface = "Expected HTTP/2 Connection Preface",
        H2Pause = "Pause on PRI/Upgrade",
        SpaceAfterStartLine = "Unexpected space after start line",
        HeaderToken = "Invalid header token",
        HeaderFieldChar = "Invalid header field char",
        HeaderValueChar = "Invalid header value char",
        LfAfterCr = "Expected LF after CR",
        LfAfterHeaders = "Expected LF after headers",
        CrAfterValue = "Missing expected CR after header value",
        LfAfterValue = "Missing expected LF after header value",
        WhitespaceAfterValue = "Unexpected whitespace after header value",
        EmptyContentLength = "Empty Content-Length",
        ContentLengthCharacter = "Invalid character in Content-Length",
        ContentLengthOverflow = "Content-Length overflow",
        DuplicateContentLength = "Duplicate Content-Length",
        ContentLengthWithTransferEncoding = "Content-Length can't be present with Transfer-Encoding",
        TransferEncodingWithContentLength = "Transfer-Encoding can't be present with Content-Length",
        TransferEncodingValue = "Invalid `Transfer-Encoding` header value",
        EmptyTransferEncoding = "Empty Transfer-Encoding",
        RequestTransferEncoding = "Request has invalid `Transfer-Encoding`",
        ChunkSizeCharacter = "Invalid character in chunk size",
        ChunkSizeOverflow = "Chunk size overflow",
        CrAfterChunkSize = "Missing expected CR after chunk size",
        LfAfterChunkSize = "Expected LF after chunk size",
        ChunkExtensions = "Invalid character in chunk extensions",
        ChunkExtensionName = "Invalid character in chunk extensions name",
        ChunkExtensionValue = "Invalid character in chunk extensions value",
        ChunkExtensionQuotedValue = "Invalid character in chunk extensions quoted value",
        ChunkExtensionQuotedPair = "Invalid quoted-pair in chunk extensions quoted value",
        ChunkExtensionAfterQuote = "Invalid character in chunk extensions quote value",
        CrAfterChunkExtensionName = "Missing expected CR after chunk extension name",
        CrAfterChunkExtensionValue = "Missing expected CR after chunk extension value",
        LfAfterChunkData = "Expected LF after chunk data",
        CrAfterChunkData = "Missing expected CR after chunk data",
        DataAfterClose = "Data after `Connection: close`",
        EofState = "Invalid EOF state",
        HeaderOverflow = "Header overflow",
        ChunkExtensionsOverflow = "Chunk extensions overflow",
    }
}

/// Why a packet was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// `err.code`.
    pub code: Code,
    /// `err.reason`.
    pub reason: Reason,
    /// Offset in the packet that was being parsed; 0 for errors at FIN.
    pub bytes_parsed: i32,
}

impl Code {
    /// The reply that Node sends if nobody listens for 'clientError', before it destroys the connection.
    pub const fn default_reply(self) -> &'static [u8] {
        match self {
            Code::HeaderOverflow => {
                b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"
            }
            Code::ChunkExtensionsOverflow => {
                b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n"
            }
            Code::RequestTimeout => b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n",
            _ => b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_position_in_all() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert_eq!(code.index() as usize, i);
        }
        for (i, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index() as usize, i);
        }
    }

    #[test]
    fn texts_are_unique() {
        let mut texts: Vec<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Reason::ALL.len());
    }
}
