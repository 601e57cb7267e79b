//! Header and trailer lines: where one begins and ends, and where all of them end. [`names`](super::names)
//! and [`values`](super::values) read what is in them.

use super::Parser;
use super::state::{Input, State, Step};
use crate::{Code, Lenient, Reason};

impl Parser {
    pub(super) fn field_lines(&mut self, input: &mut Input<'_>) -> Step {
        loop {
            match self.state {
                State::HeadersStart => self.headers_start(input)?,
                State::FieldStart => self.field_start(input)?,
                State::FieldsLf => self.fields_lf(input)?,
                state if state <= State::GeneralName => self.name(input)?,
                state if state <= State::RelaxedValue => self.value(input)?,
                state if state <= State::CodingBlanks => self.coding(input)?,
                state if state <= State::LengthBlanks => self.content_length(input)?,
                state if state <= State::ConnectionToken => self.connection(input)?,
                State::ValueLf => self.value_lf(input)?,
                State::ValueFold => self.value_fold(input)?,
                _ => return Ok(()),
            }
        }
    }

    fn headers_start(&mut self, input: &mut Input<'_>) -> Step {
        if input.peek()? == b' ' {
            if !self.tolerates(Lenient::HEADERS, Code::UnexpectedSpace) {
                return self.fail(
                    Code::UnexpectedSpace,
                    Reason::SpaceAfterStartLine,
                    input.at + 1,
                );
            }
            input.at += 1;
        }
        self.state = State::FieldStart;
        Ok(())
    }

    fn field_start(&mut self, input: &mut Input<'_>) -> Step {
        match input.peek()? {
            b'\r' => {
                input.at += 1;
                self.state = State::FieldsLf;
            }
            b'\n' if self.tolerates_bare_lf(Code::InvalidHeaderToken) => {
                input.at += 1;
                self.state = State::FieldsEnd;
            }
            b'\n' => return self.bad_token(Reason::HeaderFieldChar, input.at + 1),
            b':' => return self.bad_token(Reason::HeaderToken, input.at),
            _ => self.name_start(input),
        }
        Ok(())
    }

    fn fields_lf(&mut self, input: &mut Input<'_>) -> Step {
        if input.peek()? == b'\n' {
            input.at += 1;
        } else if !self.tolerates(Lenient::OPTIONAL_LF_AFTER_CR, Code::Strict) {
            return self.fail(Code::Strict, Reason::LfAfterHeaders, input.at);
        }
        self.state = State::FieldsEnd;
        Ok(())
    }

    pub(super) fn bad_token(&self, reason: Reason, at: usize) -> Step {
        self.fail(Code::InvalidHeaderToken, reason, at)
    }

    pub(super) fn tolerates_in_fields(&mut self) -> bool {
        self.tolerates(Lenient::HEADERS, Code::InvalidHeaderToken)
    }
}
