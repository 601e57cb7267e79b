//! The value of Content-Length.

use super::Parser;
use super::state::{Input, State, Step, flag};
use crate::{Code, Reason};

impl Parser {
    pub(super) fn content_length(&mut self, input: &mut Input<'_>) -> Step {
        if self.state == State::LengthDigits {
            loop {
                let byte = input.peek()?;
                if !byte.is_ascii_digit() {
                    break;
                }
                input.at += 1;
                let digit = (byte - b'0') as u64;
                let longer = self.length.checked_mul(10);
                let Some(length) = longer.and_then(|n| n.checked_add(digit)) else {
                    self.end_span(input, input.at, input.at)?;
                    return self.fail(
                        Code::InvalidContentLength,
                        Reason::ContentLengthOverflow,
                        input.at,
                    );
                };
                self.length = length;
            }
            self.state = State::LengthBlanks;
        }
        loop {
            match input.peek()? {
                b' ' => input.at += 1,
                b'\t' if self.config.profile.tab_after_content_length => input.at += 1,
                byte @ (b'\r' | b'\n') => {
                    self.flags |= flag::CONTENT_LENGTH;
                    return self.value_end(byte, input);
                }
                _ => {
                    self.end_span(input, input.at, input.at)?;
                    return self.fail(
                        Code::InvalidContentLength,
                        Reason::ContentLengthCharacter,
                        input.at,
                    );
                }
            }
        }
    }
}
