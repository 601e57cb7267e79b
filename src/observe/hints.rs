//! The table of hints: what a refused client most likely was, in words for the operator of the server.

macro_rules! hints {
    ($($variant:ident $certain:ident $id:literal, $text:literal;)*) => {
        /// What a refused client most likely was or did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Hint {
            $(#[doc = $text] $variant,)*
        }

        impl Hint {
            /// All of them.
            pub const ALL: &'static [Hint] = &[$(Hint::$variant,)*];

            /// The name for programs, and for counts.
            pub const fn id(self) -> &'static str {
                match self { $(Hint::$variant => $id,)* }
            }

            /// The text for people.
            pub const fn text(self) -> &'static str {
                match self { $(Hint::$variant => $text,)* }
            }

            /// Whether nothing else is known to send such bytes.
            pub const fn certain(self) -> bool {
                match self { $(Hint::$variant => hints!(@ $certain),)* }
            }
        }
    };
    (@ certain) => { true };
    (@ likely) => { false };
}

hints! {
    // Before anything was read.
    MaxConnections certain "max-connections", "the server had as many open connections as server.maxConnections allows";
    BlockList certain "block-list", "the client's address is in server.blockList";
    // Another protocol.
    TlsHello certain "tls-hello", "a TLS handshake on a plain port: the client used https:// (or a proxy speaks TLS to its backend)";
    Http2Preface certain "http2-preface", "an HTTP/2 client that assumes the server speaks it (prior knowledge): this server speaks HTTP/1";
    ProxyV1 certain "proxy-protocol-v1", "a load balancer sends a PROXY protocol header (version 1), which an HTTP server does not read: turn it off there";
    ProxyV2 certain "proxy-protocol-v2", "a load balancer sends a PROXY protocol header (version 2), which an HTTP server does not read: turn it off there";
    Ssh certain "ssh", "an SSH client";
    Rdp likely "rdp", "a remote desktop client (RDP), mostly a scanner";
    Socks4 likely "socks4", "a SOCKS4 client looks for a proxy";
    Socks5 likely "socks5", "a SOCKS5 client looks for a proxy";
    Smb certain "smb", "a Windows file sharing client (SMB), mostly a scanner";
    Redis likely "redis", "a Redis client";
    Mqtt certain "mqtt", "an MQTT client";
    Postgres certain "postgresql", "a PostgreSQL client";
    Mongodb likely "mongodb", "a MongoDB client";
    Smtp likely "smtp", "a mail client (SMTP)";
    Ftp likely "ftp-pop3", "an FTP or POP3 client";
    Ldap likely "ldap", "an LDAP client";
    Telnet likely "telnet", "a Telnet client";
    Dns likely "dns", "a DNS query over TCP";
    JavaRmi certain "java-rmi", "a Java RMI client, mostly a scanner";
    Ajp likely "ajp", "an AJP connector: the proxy in front should be set to http";
    Sip likely "sip", "a SIP client";
    HttpResponse certain "http-response", "an HTTP response came where a request should: two servers, or a proxy, are connected back to back";
    UnknownBinary likely "unknown-binary", "binary data of no protocol that is known here";
    // The request line.
    Utf8Bom certain "utf8-bom", "a UTF-8 byte order mark before the request: it was sent from a file that has one";
    Utf16 likely "utf16", "a request in UTF-16: it was sent as text of the wrong encoding";
    LowercaseMethod certain "lowercase-method", "a method in small letters: methods are case-sensitive";
    NoMethod likely "no-method", "a request line without a method";
    UnknownMethod likely "unknown-method", "a method that Node's parser does not know";
    RequestLineTwice likely "request-line-twice", "a request line or its method was sent twice";
    UnencodedSpace likely "unencoded-space", "a space in the request target that is not encoded (as %20)";
    UnencodedTarget certain "unencoded-byte", "a byte in the request target that must be percent-encoded";
    ControlInTarget certain "control-in-target", "a control byte in the request target";
    TargetWithoutSlash likely "target-without-slash", "a request target that begins neither with / nor with a scheme and host";
    LowercaseProtocol certain "lowercase-protocol", "the protocol's name in small letters: it must be HTTP";
    RtspMethod likely "rtsp-method", "a method of RTSP or ICE, for another kind of server";
    UnsupportedVersion certain "unsupported-version", "a version of HTTP that this parser does not know";
    SpaceAfterVersion certain "space-after-version", "a space between the version and the end of the request line";
    SpaceBeforeField certain "space-before-field", "a space before the first field name";
    // Fields.
    SpaceBeforeColon certain "space-before-colon", "a space between a field name and its colon";
    SpaceInName certain "space-in-name", "a space in a field name";
    NonAsciiInName certain "non-ascii-in-name", "a byte beyond ASCII in a field name";
    ControlInName certain "control-in-name", "a control byte in a field name";
    SeparatorInName certain "separator-in-name", "a punctuation mark in a field name that names may not have";
    EmptyName certain "empty-name", "a field line that begins with its colon";
    NoColon likely "no-colon", "a line without a colon among the fields: a value with a line break in it, or a body where the head should go on";
    ControlInValue certain "control-in-value", "a control byte in a field value";
    ObsFold certain "obs-fold", "a field value that goes on in the next line (obsolete line folding)";
    BareLf certain "bare-lf", "a line that ends in LF alone instead of CR LF";
    BareCr certain "bare-cr", "a CR that no LF follows";
    // The length of the body.
    LengthAndEncoding certain "length-and-encoding", "Content-Length together with Transfer-Encoding: what request smuggling looks like, or a broken proxy";
    SeveralLengths certain "several-lengths", "more than one Content-Length: what request smuggling looks like, or a broken proxy";
    LengthList certain "length-list", "several values in one Content-Length, as a proxy joins repeated fields";
    LengthSigned certain "length-signed", "a Content-Length with a sign";
    LengthNotNumber certain "length-not-number", "a Content-Length that is not a number";
    LengthEmpty certain "length-empty", "a Content-Length without a value";
    LengthTooLarge certain "length-too-large", "a Content-Length of more than 64 bits";
    ChunkedNotLast certain "chunked-not-last", "a Transfer-Encoding that goes on after chunked";
    EncodingEmpty certain "encoding-empty", "a Transfer-Encoding without a value";
    EncodingUnknown certain "encoding-unknown", "a Transfer-Encoding whose last coding is not chunked: the request's end cannot be found";
    // Between two messages.
    BeyondLength likely "beyond-length", "more body than Content-Length said: the rest was read as the next request";
    LengthInCharacters likely "length-in-characters", "Content-Length counts characters, not bytes: the body has as many bytes more as it has UTF-8 continuation bytes";
    RequestInBody likely "request-in-body", "the body of the request before holds a request line: a Content-Length that was forwarded with another body took it";
    BodyWithoutLength likely "body-without-length", "a body without Content-Length or Transfer-Encoding: it was read as the next request";
    AfterChunks likely "after-chunks", "bytes behind the last chunk that are no request";
    DataAfterClose certain "data-after-close", "the client goes on after Connection: close (or after HTTP/1.0 without keep-alive)";
    // Limits.
    FieldTooLarge certain "field-too-large", "one field takes most of the limit";
    FieldsTooLarge certain "fields-too-large", "the fields together are too large, no single one is";
    TargetTooLarge certain "target-too-large", "the request target is too long";
    TooManyFields certain "too-many-fields", "too many fields";
    ChunkExtensionsTooLarge certain "chunk-extensions-too-large", "a chunk with more extensions than anyone needs: mostly an attack";
    // Chunks.
    ChunkSizePrefix certain "chunk-size-0x", "a chunk size with 0x: it is hexadecimal without saying so";
    ChunkSizeSpace certain "chunk-size-space", "a space behind a chunk size";
    ChunkSizeNotHex likely "chunk-size-not-hex", "a chunk size that is no hexadecimal number: a body that is not chunked, or a chunk shorter than its size";
    ChunkSizeTooLarge certain "chunk-size-too-large", "a chunk size of more than 64 bits";
    ChunkTooLong certain "chunk-too-long", "a chunk has more data than its size says";
    ChunkExtension certain "chunk-extension", "a chunk extension that is not one";
    // The end came too early.
    FinInHead likely "fin-in-head", "the client ended the connection in the middle of a head";
    FinInBody likely "fin-in-body", "the client ended the connection before the body was complete";
    SilentTimeout likely "timeout-silent", "not a byte came: a connection opened in advance, a port probe, or a load balancer's spare";
    HeadTimeout likely "timeout-in-head", "the head came too slowly: a slow client, or slowloris";
    Slowloris likely "slowloris", "many heads of this peer came too slowly: slowloris, which holds connections open for as long as it can";
    BodyTimeout likely "timeout-in-body", "the body came too slowly";
    ResetSilent likely "reset-silent", "reset before a byte came: a port probe or a health check";
    ResetIdle likely "reset-idle", "reset between requests: a client or load balancer dropped an idle connection";
    ResetInHead likely "reset-in-head", "reset in the middle of a head";
    ResetInBody likely "reset-in-body", "reset before the body was complete: the client gave up";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_fit_a_label() {
        let mut ids: Vec<_> = Hint::ALL.iter().map(|hint| hint.id()).collect();
        let plain = |id: &str| {
            let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            id.bytes().all(allowed)
        };
        assert!(ids.iter().all(|id| plain(id)));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Hint::ALL.len());
        assert!(ids.len() < 255);
    }
}
