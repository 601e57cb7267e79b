//! Chunk sizes, chunk extensions and the line ends around chunk data.

use super::classes::{self, QDTEXT, TOKEN, VALUE};
use super::exact::Parser;
use super::state::{Input, SpanKind, State, Step};
use super::{Code, Lenient, Reason};

impl Parser {
    pub(super) fn chunk_lines(&mut self, input: &mut Input<'_>) -> Step {
        loop {
            match self.state {
                state if state <= State::ChunkLineLf => self.chunk_size(input)?,
                state if state <= State::AfterQuote => self.extension(input)?,
                State::ChunkDataCr | State::ChunkDataLf => self.chunk_end(input)?,
                _ => return Ok(()),
            }
        }
    }

    fn chunk_size(&mut self, input: &mut Input<'_>) -> Step {
        let byte = input.peek()?;
        match self.state {
            State::ChunkSizeFirst | State::ChunkSize => {
                let Some(digit) = char::from(byte).to_digit(16) else {
                    if self.state == State::ChunkSizeFirst {
                        return self.bad_size(input.at);
                    }
                    self.state = State::ChunkSizeEnd;
                    return Ok(());
                };
                input.at += 1;
                let longer = self.length.checked_mul(16);
                let Some(length) = longer.and_then(|n| n.checked_add(digit as u64)) else {
                    return self.fail(Code::InvalidChunkSize, Reason::ChunkSizeOverflow, input.at);
                };
                self.length = length;
                self.state = State::ChunkSize;
            }
            State::ChunkSizeEnd => match byte {
                b' ' | b'\t'
                    if self.tolerates(Lenient::SPACES_AFTER_CHUNK_SIZE, Code::InvalidChunkSize) =>
                {
                    input.at += 1;
                }
                b' ' | b'\t' => return self.bad_size(input.at + 1),
                b'\r' => {
                    input.at += 1;
                    self.state = State::ChunkLineLf;
                }
                b'\n' => {
                    input.at += 1;
                    self.state = State::ChunkLineLf;
                    if !self.tolerates_bare_lf(Code::CrExpected) {
                        return self.fail(Code::CrExpected, Reason::CrAfterChunkSize, input.at);
                    }
                }
                b';' => {
                    input.at += 1;
                    self.state = State::Extensions;
                }
                _ => return self.bad_size(input.at),
            },
            // ChunkLineLf
            _ => {
                if byte == b'\n' {
                    input.at += 1;
                } else if !self.tolerates(Lenient::OPTIONAL_LF_AFTER_CR, Code::Strict) {
                    return self.fail(Code::Strict, Reason::LfAfterChunkSize, input.at);
                }
                self.state = State::ChunkHeader;
            }
        }
        Ok(())
    }

    fn bad_size(&self, at: usize) -> Step {
        self.fail(Code::InvalidChunkSize, Reason::ChunkSizeCharacter, at)
    }

    fn extension(&mut self, input: &mut Input<'_>) -> Step {
        let class = match self.state {
            State::ExtensionName | State::ExtensionValue => TOKEN,
            State::QuotedValue => QDTEXT,
            _ => 0,
        };
        if class != 0 {
            input.at = classes::skip(input.packet, input.at, class);
        }
        let byte = input.peek()?;
        let after = input.at + 1;
        match (self.state, byte) {
            (State::Extensions, b' ' | b'\r') => {
                return self.fail(Code::Strict, Reason::ChunkExtensions, after);
            }
            (State::Extensions, _) => {
                self.begin_span(SpanKind::Extension, input);
                self.state = State::ExtensionName;
            }

            (State::ExtensionName, b'=') => {
                self.end_span(input, input.at, after)?;
                input.at = after;
                self.begin_span(SpanKind::Extension, input);
                self.state = State::ExtensionValue;
            }
            (State::ExtensionName | State::ExtensionValue, b';') => {
                self.end_span(input, input.at, after)?;
                input.at = after;
                self.state = State::Extensions;
            }
            (State::ExtensionName | State::ExtensionValue, b'\r') => {
                self.end_span(input, input.at, after)?;
                input.at = after;
                self.state = State::ChunkLineLf;
            }
            (State::ExtensionName | State::ExtensionValue, b'\n') => {
                let reason = if self.state == State::ExtensionName {
                    Reason::CrAfterChunkExtensionName
                } else {
                    Reason::CrAfterChunkExtensionValue
                };
                self.end_span(input, input.at, input.at)?;
                return self.bare_lf(reason, input);
            }
            (State::ExtensionValue, b'"') => {
                input.at = after;
                self.state = State::QuotedValue;
            }
            (State::ExtensionName, _) => {
                return self.bad_extension(Reason::ChunkExtensionName, input);
            }
            (State::ExtensionValue, _) => {
                return self.bad_extension(Reason::ChunkExtensionValue, input);
            }

            (State::QuotedValue, b'"') => {
                input.at = after;
                self.end_span(input, after, after)?;
                self.state = State::AfterQuote;
            }
            (State::QuotedValue, b'\\') => {
                input.at = after;
                self.state = State::QuotedPair;
            }
            (State::QuotedValue, _) => {
                return self.bad_extension(Reason::ChunkExtensionQuotedValue, input);
            }
            (State::QuotedPair, _) if classes::is(byte, VALUE) => {
                input.at = after;
                self.state = State::QuotedValue;
            }
            (State::QuotedPair, _) => {
                return self.bad_extension(Reason::ChunkExtensionQuotedPair, input);
            }

            // AfterQuote
            (_, b';') => {
                input.at = after;
                self.state = State::Extensions;
            }
            (_, b'\r') => {
                input.at = after;
                self.state = State::ChunkLineLf;
            }
            (_, b'\n') => return self.bare_lf(Reason::CrAfterChunkExtensionValue, input),
            _ => {
                return self.fail(Code::Strict, Reason::ChunkExtensionAfterQuote, input.at);
            }
        }
        Ok(())
    }

    /// At an LF that ends the extensions without a CR.
    fn bare_lf(&mut self, reason: Reason, input: &Input<'_>) -> Step {
        if !self.tolerates_bare_lf(Code::CrExpected) {
            return self.fail(Code::CrExpected, reason, input.at);
        }
        self.state = State::ChunkLineLf;
        Ok(())
    }

    fn bad_extension(&mut self, reason: Reason, input: &Input<'_>) -> Step {
        self.end_span(input, input.at, input.at + 1)?;
        self.fail(Code::Strict, reason, input.at + 1)
    }

    fn chunk_end(&mut self, input: &mut Input<'_>) -> Step {
        match (self.state, input.peek()?) {
            (State::ChunkDataCr, b'\r') => {
                input.at += 1;
                self.state = State::ChunkDataLf;
                return Ok(());
            }
            (State::ChunkDataLf, b'\n') => input.at += 1,
            (State::ChunkDataCr, b'\n') => {
                input.at += 1;
                if !self.tolerates_bare_lf(Code::CrExpected) {
                    return self.fail(Code::CrExpected, Reason::CrAfterChunkData, input.at);
                }
            }
            _ if self.tolerates(Lenient::OPTIONAL_CRLF_AFTER_CHUNK, Code::Strict) => {}
            _ => return self.fail(Code::Strict, Reason::LfAfterChunkData, input.at),
        }
        self.limits.chunk_complete();
        self.length = 0;
        self.state = State::ChunkSizeFirst;
        Ok(())
    }
}
