//! Field names, and the five of them whose values the grammar reads: Connection, Proxy-Connection,
//! Content-Length, Transfer-Encoding, Upgrade.

use super::Parser;
use super::state::{Input, SpanKind, Special, State, Step, flag};
use crate::classes::{self, TOKEN};
use crate::{Code, Lenient, Reason, invariant};

const SPECIAL_NAMES: [(&[u8], Special); 5] = [
    (b"connection", Special::Connection),
    (b"proxy-connection", Special::Connection),
    (b"content-length", Special::ContentLength),
    (b"transfer-encoding", Special::TransferEncoding),
    (b"upgrade", Special::Upgrade),
];

/// `Parser::literal` while a name is open: a bit for each of [`SPECIAL_NAMES`] it may become.
const ANY_SPECIAL: u8 = (1 << SPECIAL_NAMES.len()) - 1;

/// What a whole name means for its value.
#[inline]
fn special_name(name: &[u8]) -> Special {
    match name.len() {
        7 if classes::eq_lower(name, b"upgrade") => Special::Upgrade,
        10 if classes::eq_lower(name, b"connection") => Special::Connection,
        14 if classes::eq_lower(name, b"content-length") => Special::ContentLength,
        16 if classes::eq_lower(name, b"proxy-connection") => Special::Connection,
        17 if classes::eq_lower(name, b"transfer-encoding") => Special::TransferEncoding,
        _ => Special::General,
    }
}

impl Parser {
    pub(super) fn name_start(&mut self, input: &mut Input<'_>) {
        self.begin_span(SpanKind::Name, input);
        self.special = Special::General;
        self.literal = ANY_SPECIAL;
        self.matched = 0;
        self.state = State::Name;
    }

    pub(super) fn name(&mut self, input: &mut Input<'_>) -> Step {
        match self.state {
            State::Name => {
                let from = input.at;
                input.at = classes::skip(input.packet, from, TOKEN);
                let piece = invariant!(
                    input.packet.get(from..input.at),
                    "a run ends at or after its first byte"
                );
                let ends_here = input.at < input.packet.len();
                self.special = if self.matched == 0 && ends_here {
                    special_name(piece)
                } else {
                    self.narrow_special(piece);
                    self.matched_special()
                };
                let byte = input.peek()?;
                if byte == b' ' && self.special != Special::General {
                    if self.tolerates_in_fields() {
                        self.state = State::NameColonBlanks;
                        return Ok(());
                    }
                    self.end_span(input, input.at, input.at + 1)?;
                    return self.bad_token(Reason::HeaderFieldChar, input.at + 1);
                }
                self.name_end(byte, input)
            }
            State::NameColonBlanks => {
                while input.peek()? == b' ' {
                    input.at += 1;
                }
                if input.peek()? == b':' {
                    return self.name_end(b':', input);
                }
                self.special = Special::General;
                self.state = State::GeneralName;
                Ok(())
            }
            // GeneralName
            _ => {
                input.at = classes::skip(input.packet, input.at, TOKEN);
                let byte = input.peek()?;
                self.name_end(byte, input)
            }
        }
    }

    fn name_end(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        if byte != b':' {
            return self.bad_token(Reason::HeaderToken, input.at);
        }
        self.end_span(input, input.at, input.at + 1)?;
        input.at += 1;
        self.state = State::ValueBlanks;
        let (code, reason) = match self.special {
            Special::TransferEncoding if self.has(flag::CONTENT_LENGTH) => (
                Code::InvalidTransferEncoding,
                Reason::TransferEncodingWithContentLength,
            ),
            Special::ContentLength if self.has(flag::TRANSFER_ENCODING) => (
                Code::InvalidContentLength,
                Reason::ContentLengthWithTransferEncoding,
            ),
            _ => return Ok(()),
        };
        if self.tolerates(Lenient::CHUNKED_LENGTH, code) {
            return Ok(());
        }
        self.fail(code, reason, input.at)
    }

    /// Drops the special names that `piece` does not continue.
    fn narrow_special(&mut self, piece: &[u8]) {
        let from = self.matched as usize;
        let to = from + piece.len();
        let mut left = self.literal;
        for (i, (name, _)) in SPECIAL_NAMES.iter().enumerate() {
            let goes_on = name
                .get(from..to)
                .is_some_and(|part| part.eq_ignore_ascii_case(piece));
            if !goes_on {
                left &= !(1 << i);
            }
        }
        self.literal = left;
        // Behind the end of the longest name nothing is left to match.
        self.matched = to.min(u8::MAX as usize) as u8;
    }

    fn matched_special(&self) -> Special {
        if self.literal == 0 {
            return Special::General;
        }
        SPECIAL_NAMES
            .iter()
            .enumerate()
            .find(|(i, (name, _))| {
                self.literal & (1 << i) != 0 && name.len() == self.matched as usize
            })
            .map_or(Special::General, |(_, (_, special))| *special)
    }
}
