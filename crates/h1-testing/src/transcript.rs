//! Drives a parser as a connection does, and writes a transcript of everything that it reports. The integration tests,
//! the parity peer and the fuzz targets use it.

use ferrohttp_h1::{Config, Fields, Head, Outcome, ParseError, Parser, Sink};

/// A transcript. Each event is one line. Bytes stay as they are, except that LF and backslash are escaped in bodies.
/// `tools/parser-parity/oracle.js` writes the same for Node's parser.
#[derive(Debug, Default)]
pub struct Transcript {
    /// The lines so far.
    pub text: Vec<u8>,
    complete: bool,
}

impl Transcript {
    fn fields(&mut self, fields: &Fields<'_>) {
        for (name, value) in fields.iter() {
            self.line(&[b"  ", name, b": ", value]);
        }
    }

    fn line(&mut self, parts: &[&[u8]]) {
        for part in parts {
            self.text.extend_from_slice(part);
        }
        self.text.push(b'\n');
    }

    fn error(&mut self, kind: &str, error: &ParseError) {
        let (code, reason) = (error.code.as_str(), error.reason.as_str());
        self.line(&[format!("{kind} {code} {reason}").as_bytes()]);
    }
}

impl Sink for Transcript {
    fn message_begin(&mut self) {
        self.line(&[b"begin"]);
    }

    fn head(&mut self, head: &Head<'_>) {
        let (major, minor) = head.version;
        let keep = if head.keep_alive { "keep" } else { "close" };
        let upgrade = if head.upgrade { " upgrade" } else { "" };
        let method = head.method.as_str();
        let text = format!("head {method} {major}.{minor} {keep}{upgrade} ");
        self.line(&[text.as_bytes(), head.target]);
        self.fields(&head.fields);
        self.complete = head.complete;
        if head.complete {
            self.line(&[b"complete"]);
        }
    }

    fn body(&mut self, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "an empty body run");
        // An event must not take more than one line.
        let mut text = b"body ".to_vec();
        for &byte in bytes {
            match byte {
                b'\n' => text.extend_from_slice(b"\\n"),
                b'\\' => text.extend_from_slice(b"\\\\"),
                _ => text.push(byte),
            }
        }
        self.line(&[&text]);
    }

    fn message_complete(&mut self, trailers: &Fields<'_>) {
        assert!(!self.complete, "the head said that nothing follows");
        self.line(&[b"complete"]);
        self.fields(trailers);
    }
}

/// Gives the packets to the parser, and FIN if `fin` is set. An upgrade is answered with `accept`.
pub fn run<'a>(
    config: Config,
    packets: impl IntoIterator<Item = &'a [u8]>,
    accept: bool,
    fin: bool,
) -> Vec<u8> {
    let mut parser = Parser::new(config);
    let mut out = Transcript::default();
    let mut first_error = None;
    for packet in packets {
        let mut from = 0;
        let outcome = loop {
            match parser.execute(packet, from, &mut out) {
                Outcome::Parked { at } => {
                    from = at;
                    let connect = out_method_is_connect(&out.text);
                    parser.resolve_upgrade(accept || connect);
                }
                outcome => break outcome,
            }
        };
        match outcome {
            Outcome::Upgraded { at } => {
                out.line(&[format!("upgraded @{at}").as_bytes()]);
                return out.text;
            }
            Outcome::Failed(error) => match first_error {
                None => {
                    first_error = Some(error);
                    out.error("error", &error);
                    out.line(&[format!("@{}", error.bytes_parsed).as_bytes()]);
                }
                Some(first) => {
                    assert_eq!(first, error, "a later packet changed the error");
                    out.error("again", &error);
                }
            },
            _ => {}
        }
        out.line(&[b"-"]);
    }
    if fin && let Err(error) = parser.finish(&mut out) {
        assert_eq!(error.bytes_parsed, 0);
        out.error("eof", &error);
    }
    out.text
}

/// Node upgrades CONNECT even if nobody listens for it.
fn out_method_is_connect(text: &[u8]) -> bool {
    text.split(|&byte| byte == b'\n')
        .rfind(|line| line.starts_with(b"head "))
        .is_some_and(|line| line.starts_with(b"head CONNECT "))
}

/// Removes from a transcript what may depend on the cuts. Offsets count from the first packet on, pieces of a body are
/// joined, and ends of packets and repeated errors are left out.
#[allow(dead_code, reason = "not every user compares cuts")]
pub fn uncut(transcript: &[u8], packets: &[&[u8]]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    let mut base = 0;
    let mut lengths = packets.iter().map(|packet| packet.len());
    let mut in_body = false;
    for line in transcript.split_inclusive(|&byte| byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if text == b"-" {
            base += lengths.next().unwrap_or(0);
            continue;
        }
        if text.starts_with(b"again ") {
            continue;
        }
        if let Some(body) = text.strip_prefix(b"body ") {
            if in_body {
                out.pop();
                out.extend_from_slice(body);
            } else {
                out.extend_from_slice(text);
            }
            in_body = true;
            out.push(b'\n');
            continue;
        }
        in_body = false;
        let split = text.iter().rposition(|&byte| byte == b'@');
        match split {
            Some(at) if at == 0 || text.starts_with(b"upgraded ") => {
                let offset = String::from_utf8_lossy(&text[at + 1..]);
                let offset: usize = offset.parse().unwrap_or(0);
                out.extend_from_slice(&text[..at]);
                out.extend_from_slice(format!("@{}\n", base + offset).as_bytes());
            }
            _ => out.extend_from_slice(line),
        }
    }
    out
}
