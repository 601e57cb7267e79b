//! Writes refusals as JSON for JavaScript. The shape is that of `Refusal` in index.d.ts, except that the bytes of the
//! excerpt are a latin1 string.

use std::fmt::Write;
use std::net::SocketAddr;

use super::facts::Facts;
use super::peers::Peer;
use super::store::{Bound, Exceeded, Outcome, Record};
use crate::http1::{Limit, Message, Part, Phase};

/// Writes JSON. Strings are latin1.
#[derive(Debug, Default)]
pub struct Json {
    text: String,
    /// Nothing was written into the innermost object or list yet.
    fresh: bool,
}

impl Json {
    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.fresh) && !self.text.is_empty() {
            self.text.push(',');
        }
    }

    /// Writes a key. Its value follows.
    pub fn key(&mut self, key: &str) {
        self.comma();
        let _ = write!(self.text, "\"{key}\":");
        self.fresh = true;
    }

    /// Begins an object (`{`) or a list (`[`).
    pub fn open(&mut self, bracket: char) {
        self.comma();
        self.text.push(bracket);
        self.fresh = true;
    }

    /// Ends it, with `}` or `]`.
    pub fn close(&mut self, bracket: char) {
        self.text.push(bracket);
        self.fresh = false;
    }

    /// Writes a key whose value is an object.
    pub fn object(&mut self, key: &str, content: impl FnOnce(&mut Json)) {
        self.key(key);
        self.open('{');
        content(self);
        self.close('}');
    }

    /// Writes a key whose value is a list.
    pub fn list<T>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = T>,
        item: impl Fn(&mut Json, T),
    ) {
        self.key(key);
        self.open('[');
        for each in items {
            self.open('{');
            item(self, each);
            self.close('}');
        }
        self.close(']');
    }

    /// Writes a key whose value is a string of latin1 bytes.
    pub fn string(&mut self, key: &str, value: &[u8]) {
        self.key(key);
        self.fresh = false;
        self.text.push('"');
        for &byte in value {
            match byte {
                b'"' | b'\\' => {
                    self.text.push('\\');
                    self.text.push(char::from(byte));
                }
                0x20..0x7f => self.text.push(char::from(byte)),
                _ => {
                    let _ = write!(self.text, "\\u{byte:04x}");
                }
            }
        }
        self.text.push('"');
    }

    /// Writes a key whose value is a number.
    pub fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.fresh = false;
        let _ = write!(self.text, "{value}");
    }

    /// Writes a key whose value is `true`, `false`, `null` or other JSON text.
    pub fn literal(&mut self, key: &str, value: &str) {
        self.key(key);
        self.fresh = false;
        self.text.push_str(value);
    }

    fn address(&mut self, key: &str, address: Option<SocketAddr>) {
        let Some(address) = address else {
            return;
        };
        self.object(key, |json| {
            json.string("address", address.ip().to_string().as_bytes());
            json.number("port", address.port().into());
            let family: &[u8] = if address.is_ipv4() { b"IPv4" } else { b"IPv6" };
            json.string("family", family);
        });
    }
}

/// Writes the members of a peer.
pub fn peer(json: &mut Json, peer: &Peer) {
    json.string("address", peer.address.as_bytes());
    json.number("count", peer.count);
    json.number("error", peer.error);
}

/// Writes the members of a refusal.
pub fn refusal(json: &mut Json, record: &Record) {
    let circumstances = &record.circumstances;
    json.number("seq", record.seq);
    json.number("time", circumstances.time);
    match &circumstances.own_code {
        Some(code) => json.string("code", code.bytes()),
        None => json.string("code", record.kind.code.as_str().as_bytes()),
    }
    if let Some(reason) = record.kind.reason {
        json.string("reason", reason.as_str().as_bytes());
    }
    match circumstances.status {
        0 => json.literal("status", "null"),
        status => json.number("status", status.into()),
    }
    json.string("outcome", circumstances.outcome.as_str().as_bytes());
    let facts = record.facts.as_deref();
    let unseen = match circumstances.outcome {
        Outcome::Dropped => Phase::Silent,
        _ => Phase::Between,
    };
    let phase = facts.map_or(unseen, |facts| facts.phase);
    json.string("phase", phase.as_str().as_bytes());
    json.address("peer", circumstances.peer);
    if record.of_peer > 0 {
        json.number("ofPeer", record.of_peer);
    }
    json.address("local", circumstances.local);
    json.object("connection", |json| {
        json.number("age", circumstances.age);
        let requests = facts.map_or(0, |facts| facts.requests);
        json.number("requests", requests.into());
        json.number("bytesRead", facts.map_or(0, |facts| facts.bytes_read));
    });
    if let Some(facts) = facts {
        told(json, facts);
    }
    if let Some(limit) = circumstances.exceeded {
        exceeded(json, limit);
    }
    let early = facts.filter(|facts| facts.at.is_none() && !circumstances.repeat);
    if let Some(facts) = early
        && facts.excerpt.is_none()
    {
        json.string("awaited", awaited(facts).as_slice());
    }
    if let Some(hint) = record.kind.hint {
        json.object("hint", |json| {
            json.string("id", hint.id().as_bytes());
            let detail = facts.map(|facts| facts.detail);
            let detail = detail.filter(|detail| !detail.is_empty());
            let mut text = hint.text().as_bytes().to_vec();
            if let Some(detail) = &detail {
                text.extend_from_slice(b" (");
                text.extend_from_slice(detail.bytes().trim_ascii_end());
                text.push(b')');
            }
            json.string("text", &text);
            json.literal("certain", if hint.certain() { "true" } else { "false" });
        });
    }
    if let Some(excerpt) = facts.and_then(|facts| facts.excerpt) {
        json.object("excerpt", |json| {
            json.string("bytes", excerpt.bytes.bytes());
            json.number("from", excerpt.from.into());
            json.literal("clipped", if excerpt.clipped { "true" } else { "false" });
            json.number("redacted", excerpt.redacted.into());
        });
    }
    json.literal(
        "repeat",
        if circumstances.repeat {
            "true"
        } else {
            "false"
        },
    );
}

fn told(json: &mut Json, facts: &Facts) {
    if !matches!(facts.phase, Phase::Silent | Phase::Between) {
        json.object("request", |json| {
            if let Some(method) = facts.method {
                json.string("method", method.as_str().as_bytes());
            }
            if !facts.target.is_empty() {
                json.string("target", facts.target.bytes());
            }
            if !facts.host.is_empty() {
                json.string("host", facts.host.bytes());
            }
            json.number("fields", facts.fields.into());
            if let Some(length) = facts.content_length {
                json.number("contentLength", length);
            }
            json.number("bodyReceived", facts.body_received);
        });
    }
    if let Some(Message {
        method,
        content_length,
        ..
    }) = facts.previous
    {
        json.object("previous", |json| {
            json.string("method", method.as_str().as_bytes());
            if let Some(length) = content_length {
                json.number("contentLength", length);
            }
        });
    }
    if let Some(at) = facts.at {
        json.object("at", |json| {
            json.number("packet", at.packet.into());
            json.number("message", at.message);
            json.number("connection", at.connection);
            if let Some(byte) = at.byte {
                json.number("byte", byte.into());
            }
            if let Some(field) = &facts.field {
                json.string("field", field.bytes());
            }
            json.string("part", facts.part.as_str().as_bytes());
            if matches!(
                facts.part,
                Part::FieldName | Part::FieldValue | Part::Target
            ) {
                json.number("index", facts.index.into());
            }
        });
    }
    if let Some(limit) = facts.limit {
        self::limit(json, limit, facts);
    }
}

fn limit(json: &mut Json, limit: Limit, facts: &Facts) {
    let (name, value, seen, change) = match limit {
        Limit::HeaderSize { value, seen } => (
            "maxHeaderSize",
            value,
            seen,
            "createServer({ maxHeaderSize: bytes }), or node --max-http-header-size=bytes",
        ),
        Limit::HeaderCount { value, seen } => (
            "maxHeadersCount",
            value,
            seen,
            "server.maxHeadersCount = number (0 for no limit)",
        ),
        Limit::ChunkExtensions { value, seen } => (
            "chunkExtensions",
            value,
            seen,
            "nothing: Node has the limit fixed",
        ),
    };
    json.object("limit", |json| {
        json.string("name", name.as_bytes());
        json.number("value", value);
        json.number("seen", seen);
        json.string("change", change.as_bytes());
        if matches!(limit, Limit::HeaderSize { .. }) {
            let largest = facts.largest.iter().filter(|(_, bytes)| *bytes > 0);
            json.list("largest", largest, |json, (name, bytes)| {
                json.string("name", name.bytes());
                json.number("bytes", (*bytes).into());
            });
        }
    });
}

fn exceeded(json: &mut Json, Exceeded { bound, value, seen }: Exceeded) {
    let (name, change) = match bound {
        Bound::HeadersTimeout => ("headersTimeout", "server.headersTimeout = ms (0 for none)"),
        Bound::RequestTimeout => ("requestTimeout", "server.requestTimeout = ms (0 for none)"),
        Bound::MaxConnections => ("maxConnections", "server.maxConnections = number"),
    };
    json.object("limit", |json| {
        json.string("name", name.as_bytes());
        json.number("value", value);
        json.number("seen", seen);
        json.string("change", change.as_bytes());
    });
}

/// Says what should have come, instead of the end or the timeout.
fn awaited(facts: &Facts) -> Vec<u8> {
    let text = |text: &str| text.as_bytes().to_vec();
    match (facts.phase, &facts.field) {
        (Phase::Silent, _) => text("the first byte"),
        (Phase::Between, _) => text("the next request"),
        (Phase::StartLine, _) if facts.part == Part::Target => text("rest of the request target"),
        (Phase::StartLine, _) => text("rest of the request line"),
        (_, Some(field)) => [b"rest of field ", field.bytes()].concat(),
        (Phase::Head, None) => text("more fields or the end of the head"),
        (Phase::Trailers, None) => text("more trailers or their end"),
        (Phase::Body, None) => match facts.content_length {
            Some(length) => text(&format!("{} of {length} body bytes", facts.left)),
            None => text("the end of the body"),
        },
        (Phase::Chunk, None) if facts.left > 0 => text(&format!("{} bytes of a chunk", facts.left)),
        (Phase::Chunk, None) => text("the next chunk"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped() {
        let mut json = Json::default();
        json.open('{');
        json.string("a", b"\"\\\n\x1b\xff<b>");
        json.number("b", 1);
        json.list("c", [1u64, 2].iter(), |json, n| json.number("n", *n));
        json.object("d", |_| {});
        json.close('}');
        assert_eq!(
            json.into_text(),
            r#"{"a":"\"\\\u000a\u001b\u00ff<b>","b":1,"c":[{"n":1},{"n":2}],"d":{}}"#
        );
    }
}
