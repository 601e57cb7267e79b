//! Chunk extensions: names, values, quoted values.

use super::Parser;
use super::state::{Input, SpanKind, State, Step};
use crate::classes::{self, QDTEXT, TOKEN, VALUE};
use crate::{Code, Reason};

impl Parser {
    pub(super) fn extension(&mut self, input: &mut Input<'_>) -> Step {
        let class = match self.state {
            State::ExtensionName | State::ExtensionValue => TOKEN,
            State::QuotedValue => QDTEXT,
            _ => 0,
        };
        if class != 0 {
            input.at = classes::skip(input.packet, input.at, class);
        }
        let byte = input.peek()?;
        match self.state {
            State::Extensions => self.extension_start(byte, input),
            State::ExtensionName | State::ExtensionValue => self.extension_text(byte, input),
            State::QuotedValue | State::QuotedPair => self.quoted_value(byte, input),
            // AfterQuote
            _ => self.after_quote(byte, input),
        }
    }

    fn extension_start(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        if matches!(byte, b' ' | b'\r') {
            return self.fail(Code::Strict, Reason::ChunkExtensions, input.at + 1);
        }
        self.begin_span(SpanKind::Extension, input);
        self.state = State::ExtensionName;
        Ok(())
    }

    /// Ends a name or an unquoted value, at a byte that does not belong to it.
    fn extension_text(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        let in_name = self.state == State::ExtensionName;
        let after = input.at + 1;
        let next = match byte {
            b'=' if in_name => {
                self.end_span(input, input.at, after)?;
                input.at = after;
                self.begin_span(SpanKind::Extension, input);
                self.state = State::ExtensionValue;
                return Ok(());
            }
            b'"' if !in_name => {
                input.at = after;
                self.state = State::QuotedValue;
                return Ok(());
            }
            b';' => State::Extensions,
            b'\r' => State::ChunkLineLf,
            b'\n' => {
                self.end_span(input, input.at, input.at)?;
                return self.bare_lf(
                    if in_name {
                        Reason::CrAfterChunkExtensionName
                    } else {
                        Reason::CrAfterChunkExtensionValue
                    },
                    input,
                );
            }
            _ if in_name => return self.bad_extension(Reason::ChunkExtensionName, input),
            _ => return self.bad_extension(Reason::ChunkExtensionValue, input),
        };
        self.end_span(input, input.at, after)?;
        input.at = after;
        self.state = next;
        Ok(())
    }

    fn quoted_value(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        let after = input.at + 1;
        match (self.state, byte) {
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
            // QuotedPair
            (_, _) if classes::is(byte, VALUE) => {
                input.at = after;
                self.state = State::QuotedValue;
            }
            _ => return self.bad_extension(Reason::ChunkExtensionQuotedPair, input),
        }
        Ok(())
    }

    fn after_quote(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        self.state = match byte {
            b';' => State::Extensions,
            b'\r' => State::ChunkLineLf,
            b'\n' => return self.bare_lf(Reason::CrAfterChunkExtensionValue, input),
            _ => return self.fail(Code::Strict, Reason::ChunkExtensionAfterQuote, input.at),
        };
        input.at += 1;
        Ok(())
    }

    /// Handles an LF that ends the extensions without a CR.
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
}
