//! Field values that the grammar does not read, and what all values have in common: their first byte, their end, and
//! folded lines.

use super::Parser;
use super::state::{Input, SpanKind, Special, State, Step, flag};
use crate::classes::{self, RELAXED};
use crate::{Code, Lenient, Reason};

impl Parser {
    pub(super) fn value(&mut self, input: &mut Input<'_>) -> Step {
        match self.state {
            State::ValueBlanks => {
                while classes::is_blank(input.peek()?) {
                    input.at += 1;
                }
                match input.peek()? {
                    b'\r' => {
                        input.at += 1;
                        self.state = State::EmptyValueLf;
                    }
                    b'\n' if self.tolerates_bare_lf(Code::InvalidHeaderToken) => {
                        input.at += 1;
                        self.state = State::EmptyValueFold;
                    }
                    b'\n' => return self.bad_token(Reason::HeaderValueChar, input.at + 1),
                    _ => return self.value_start(input),
                }
            }
            State::EmptyValueLf => {
                if input.peek()? == b'\n' {
                    input.at += 1;
                } else if !self.tolerates(Lenient::HEADERS, Code::Strict) {
                    return self.fail(Code::Strict, Reason::LfAfterCr, input.at);
                }
                self.state = State::EmptyValueFold;
            }
            State::EmptyValueFold => {
                if !classes::is_blank(input.peek()?) {
                    return self.empty_value(input);
                }
                if !self.tolerates_in_fields() {
                    return self.bad_token(Reason::HeaderValueChar, input.at + 1);
                }
                input.at += 1;
                self.state = State::ValueBlanks;
            }
            State::Value => {
                input.at = classes::skip_value(input.packet, input.at);
                let byte = input.peek()?;
                return self.value_end(byte, input);
            }
            State::LenientValue => {
                while !matches!(input.peek()?, b'\r' | b'\n') {
                    input.at += 1;
                }
                if input.peek()? == b'\r' {
                    return self.value_end(b'\r', input);
                }
                self.end_span(input, input.at, input.at)?;
                self.state = State::ValueLf;
            }
            // RelaxedValue
            _ => {
                input.at = classes::skip(input.packet, input.at, RELAXED);
                let byte = input.peek()?;
                return self.value_end(byte, input);
            }
        }
        Ok(())
    }

    /// Begins a value, or a folded line of it, at the next byte.
    fn value_start(&mut self, input: &mut Input<'_>) -> Step {
        self.begin_span(SpanKind::Value, input);
        self.state = State::Value;
        match self.special {
            Special::Upgrade => {
                self.flags |= flag::UPGRADE;
                self.special = Special::General;
            }
            Special::TransferEncoding => {
                if self.has(flag::CHUNKED) && !self.tolerates_coding() {
                    return self.coding_after_chunked(input);
                }
                self.flags |= flag::TRANSFER_ENCODING;
                self.flags &= !flag::CHUNKED;
                self.matched = 0;
                self.state = State::CodingChunked;
            }
            Special::ContentLength => {
                if self.has(flag::CONTENT_LENGTH) {
                    return self.fail(
                        Code::UnexpectedContentLength,
                        Reason::DuplicateContentLength,
                        input.at,
                    );
                }
                self.state = State::LengthDigits;
            }
            Special::Connection => {
                self.state = State::Connection;
                // This reads the usual value as a whole.
                let rest = input.rest();
                if rest
                    .first_chunk::<11>()
                    .is_some_and(|value| value.eq_ignore_ascii_case(b"keep-alive\r"))
                {
                    input.at += 10;
                    self.special = Special::ConnectionKeepAlive;
                    return self.value_end(b'\r', input);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends a value at a byte that does not belong to it, or gives an error.
    pub(super) fn value_end(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match byte {
            b'\r' => {
                self.end_span(input, input.at, input.at + 1)?;
                input.at += 1;
                self.state = State::ValueLf;
                Ok(())
            }
            b'\n' => {
                self.end_span(input, input.at, input.at)?;
                if !self.tolerates_bare_lf(Code::CrExpected) {
                    return self.fail(Code::CrExpected, Reason::CrAfterValue, input.at);
                }
                self.state = State::ValueLf;
                Ok(())
            }
            _ if self.tolerates_in_fields() => {
                self.state = State::LenientValue;
                Ok(())
            }
            _ if classes::is(byte, RELAXED)
                && self.tolerates(Lenient::HEADER_VALUE_RELAXED, Code::InvalidHeaderToken) =>
            {
                self.state = State::RelaxedValue;
                Ok(())
            }
            _ => {
                self.end_span(input, input.at, input.at)?;
                self.bad_token(Reason::HeaderValueChar, input.at)
            }
        }
    }

    pub(super) fn value_lf(&mut self, input: &mut Input<'_>) -> Step {
        if input.peek()? != b'\n' {
            return self.fail(Code::LfExpected, Reason::LfAfterValue, input.at);
        }
        input.at += 1;
        self.state = State::ValueFold;
        Ok(())
    }

    /// Looks at the first byte of the next line. A blank folds the value.
    pub(super) fn value_fold(&mut self, input: &mut Input<'_>) -> Step {
        if !classes::is_blank(input.peek()?) {
            self.value_complete(input);
            return Ok(());
        }
        if !self.tolerates_in_fields() {
            return self.bad_token(Reason::WhitespaceAfterValue, input.at);
        }
        if self.special == Special::TransferEncodingChunked {
            self.special = Special::General;
        }
        self.value_start(input)
    }

    fn empty_value(&mut self, input: &mut Input<'_>) -> Step {
        if self.special == Special::ContentLength {
            return self.fail(
                Code::InvalidContentLength,
                Reason::EmptyContentLength,
                input.at,
            );
        }
        if self.special == Special::TransferEncoding
            && self.config.profile.refuse_empty_transfer_encoding
        {
            return self.fail(
                Code::InvalidTransferEncoding,
                Reason::EmptyTransferEncoding,
                input.at,
            );
        }
        self.begin_span(SpanKind::Value, input);
        self.end_span(input, input.at, input.at)?;
        self.value_complete(input);
        Ok(())
    }

    /// Ends a line after its line end.
    fn value_complete(&mut self, input: &Input<'_>) {
        self.apply_special();
        if let Some(buffer) = &mut self.head_buffer {
            buffer.end_field(input.packet);
        }
        self.state = State::FieldStart;
    }

    /// Applies the meaning of a list item or of a whole value.
    pub(super) fn apply_special(&mut self) {
        match self.special {
            Special::ConnectionKeepAlive => self.flags |= flag::KEEP_ALIVE,
            Special::ConnectionClose => self.flags |= flag::CLOSE,
            Special::ConnectionUpgrade => self.flags |= flag::CONNECTION_UPGRADE,
            Special::TransferEncodingChunked => {
                self.flags |= flag::CHUNKED;
                return;
            }
            _ => return,
        }
        self.special = Special::Connection;
    }
}
