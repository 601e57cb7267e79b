//! The value of Transfer-Encoding: whether its last coding is `chunked`.

use super::Parser;
use super::state::{Input, Special, State, Step};
use crate::classes::{self, LIST_ITEM};
use crate::{Code, Lenient, Reason};

const CHUNKED: &[u8] = b"chunked";

impl Parser {
    pub(super) fn coding(&mut self, input: &mut Input<'_>) -> Step {
        let byte = input.peek()?;
        match self.state {
            State::CodingChunked => {
                if CHUNKED.get(self.matched as usize) != Some(&byte.to_ascii_lowercase()) {
                    self.state = State::CodingToken;
                    return Ok(());
                }
                input.at += 1;
                self.matched += 1;
                if self.matched as usize == CHUNKED.len() {
                    self.state = State::CodingChunkedEnd;
                }
            }
            State::CodingChunkedEnd => match byte {
                b' ' => input.at += 1,
                b'\r' | b'\n' => {
                    self.special = Special::TransferEncodingChunked;
                    return self.value_end(byte, input);
                }
                b',' if self.tolerates_coding() => {
                    self.matched = 0;
                    self.state = State::CodingChunked;
                }
                b',' => return self.coding_after_chunked(input),
                _ => self.state = State::CodingToken,
            },
            State::CodingToken => {
                if classes::is(byte, LIST_ITEM) {
                    input.at = classes::skip(input.packet, input.at, LIST_ITEM);
                } else if byte == b',' {
                    input.at += 1;
                    self.state = State::CodingBlanks;
                } else {
                    self.special = Special::General;
                    self.state = State::Value;
                }
            }
            // CodingBlanks
            _ => {
                if classes::is_blank(byte) {
                    input.at += 1;
                } else {
                    self.matched = 0;
                    self.state = State::CodingChunked;
                }
            }
        }
        Ok(())
    }

    pub(super) fn coding_after_chunked(&mut self, input: &Input<'_>) -> Step {
        self.end_span(input, input.at, input.at + 1)?;
        self.fail(
            Code::InvalidTransferEncoding,
            Reason::TransferEncodingValue,
            input.at + 1,
        )
    }

    pub(super) fn tolerates_coding(&mut self) -> bool {
        self.tolerates(Lenient::TRANSFER_ENCODING, Code::InvalidTransferEncoding)
    }
}
