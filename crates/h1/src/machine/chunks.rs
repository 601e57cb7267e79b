//! Chunk sizes and the line ends around chunk data.

use super::Parser;
use super::state::{Input, State, Step};
use crate::{Code, Lenient, Reason};

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
