//! The program's own replies to refusals. They are prepared once and filled in for each refusal.

use crate::http1::Code;
use crate::http1::invariant;

/// How values are escaped, by the content type of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// `text/plain`
    Plain,
    /// `application/json`
    Json,
    /// `text/html`
    Html,
}

/// A part of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Vec<u8>),
    Code,
    Reason,
    Field,
    Id,
}

/// The placeholders.
const PLACEHOLDERS: [(&[u8], Piece); 4] = [
    (b"{code}", Piece::Code),
    (b"{reason}", Piece::Reason),
    (b"{field}", Piece::Field),
    (b"{id}", Piece::Id),
];

/// One reply.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The status line and the fields, without those that [`render`](Self::render) adds.
    head: Vec<u8>,
    body: Vec<Piece>,
    escape: Escape,
}

/// The values for the placeholders.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// `{{code}}`
    pub code: &'a str,
    /// `{{reason}}`
    pub reason: &'a str,
    /// `{{field}}`
    pub field: &'a [u8],
    /// `{{id}}`
    pub id: u64,
}

impl Reply {
    /// Makes a reply from a head, whose lines all end with CR LF, and a body with placeholders.
    pub fn new(status: u16, head: &[u8], body: &[u8], escape: Escape) -> Reply {
        let mut pieces = Vec::new();
        let mut text = Vec::new();
        let mut rest = body;
        while let Some((&first, after)) = rest.split_first() {
            let found = PLACEHOLDERS.iter().find(|(name, _)| rest.starts_with(name));
            if let Some((name, piece)) = found {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(piece.clone());
                rest = invariant!(rest.get(name.len()..), "the rest begins with the name");
            } else {
                text.push(first);
                rest = after;
            }
        }
        pieces.push(Piece::Text(text));
        Reply {
            status,
            head: head.to_vec(),
            body: pieces,
            escape,
        }
    }

    /// The bytes of the reply.
    pub fn render(&self, filling: Filling<'_>) -> Vec<u8> {
        let mut body = Vec::new();
        for piece in &self.body {
            let id = filling.id.to_string();
            let value = match piece {
                Piece::Text(text) => {
                    body.extend_from_slice(text);
                    continue;
                }
                Piece::Code => filling.code.as_bytes(),
                Piece::Reason => filling.reason.as_bytes(),
                Piece::Field => filling.field,
                Piece::Id => id.as_bytes(),
            };
            for &byte in value {
                self.escape.push(byte, &mut body);
            }
        }
        let mut reply = self.head.clone();
        let rest = format!(
            "Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        reply.extend_from_slice(rest.as_bytes());
        reply.extend_from_slice(&body);
        reply
    }
}

impl Escape {
    /// Appends a latin1 byte. If it is not printable ASCII, its number is written or, in plain text, `?`.
    fn push(self, byte: u8, out: &mut Vec<u8>) {
        let printable = (0x20..0x7f).contains(&byte);
        match self {
            Escape::Plain => out.push(if printable { byte } else { b'?' }),
            Escape::Json if printable && byte != b'"' && byte != b'\\' => out.push(byte),
            Escape::Json => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            Escape::Html if printable && !b"&<>\"'".contains(&byte) => out.push(byte),
            Escape::Html => out.extend_from_slice(format!("&#{byte};").as_bytes()),
        }
    }
}

/// The replies of a server.
#[derive(Debug, Default)]
pub struct Replies {
    by_code: Vec<(Code, Reply)>,
    default: Option<Reply>,
}

impl Replies {
    /// Sets the reply to a code or, with None, to every other code.
    pub fn set(&mut self, code: Option<Code>, reply: Reply) {
        match code {
            Some(code) => {
                self.by_code.retain(|(other, _)| *other != code);
                self.by_code.push((code, reply));
            }
            None => self.default = Some(reply),
        }
    }

    /// The reply to a code. None stands for a code of the program's own.
    pub fn get(&self, code: Option<Code>) -> Option<&Reply> {
        let own = self.by_code.iter().find(|(other, _)| Some(*other) == code);
        own.map(|(_, reply)| reply).or(self.default.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(template: &str, escape: Escape, field: &[u8]) -> String {
        let reply = Reply::new(
            400,
            b"HTTP/1.1 400 Bad Request\r\n",
            template.as_bytes(),
            escape,
        );
        let text = reply.render(Filling {
            code: "HPE_INVALID_METHOD",
            reason: "Can't be",
            field,
            id: 7,
        });
        let text = String::from_utf8(text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let length = format!("Content-Length: {}\r\nConnection: close", body.len());
        assert!(head.ends_with(&length), "{head}");
        body.to_owned()
    }

    #[test]
    fn placeholders_are_filled_in_and_other_braces_left() {
        let template = "{{code}: {reason} {field}{id}{x} {";
        assert_eq!(
            body(template, Escape::Plain, b"A"),
            "{HPE_INVALID_METHOD: Can't be A7{x} {"
        );
    }

    #[test]
    fn what_strangers_sent_is_inert() {
        let field = b"<b>\"\\\x1b\x9b&";
        assert_eq!(body("{field}", Escape::Plain, field), "<b>\"\\??&");
        assert_eq!(
            body("{field}", Escape::Json, field),
            "<b>\\u0022\\u005c\\u001b\\u009b&"
        );
        assert_eq!(
            body("{field}", Escape::Html, field),
            "&#60;b&#62;&#34;\\&#27;&#155;&#38;"
        );
    }
}
