//! The request target, from its first byte to the byte behind it.

use super::Parser;
use super::state::{Input, State, Step};
use crate::classes::{self, ALPHA, HOST, PATH};
use crate::{Code, Reason};

impl Parser {
    pub(super) fn target(&mut self, input: &mut Input<'_>) -> Step {
        if matches!(self.state, State::Path | State::Query | State::Fragment) {
            input.at = classes::skip(input.packet, input.at, PATH);
        }
        let byte = input.peek()?;
        // Within `//` and CRLF, llhttp has matched the first byte and expects only the second.
        let within = matches!(self.state, State::SchemaSlash2 | State::LfAfterTarget);
        if matches!(byte, b'\t' | b'\x0c') && !within {
            return self.bad_target_byte(input);
        }
        match self.state {
            State::TargetStart => self.target_start(byte, input),
            State::Schema | State::SchemaSlash1 | State::SchemaSlash2 => self.schema(byte, input),
            State::Server | State::ServerAfterAt => self.authority(byte, input),
            State::Path | State::Query | State::Fragment => self.path(byte, input),
            _ => self.after_target(byte, input),
        }
    }

    fn target_start(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match byte {
            b'/' | b'*' => {
                input.at += 1;
                self.state = State::Path;
            }
            _ if classes::is(byte, ALPHA) => self.state = State::Schema,
            b' ' | b'\r' | b'\n' => return self.bad_target_byte(input),
            _ => return self.fail(Code::InvalidUrl, Reason::UrlStart, input.at),
        }
        Ok(())
    }

    /// Reads the scheme and `://` of absolute-form.
    fn schema(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match (self.state, byte) {
            (State::Schema, b':') => self.state = State::SchemaSlash1,
            (State::Schema, _) if classes::is(byte, ALPHA) => {}
            (State::SchemaSlash1, b'/') => self.state = State::SchemaSlash2,
            (State::SchemaSlash2, b'/') => self.state = State::Server,
            (State::Schema | State::SchemaSlash1, b' ' | b'\r' | b'\n') => {
                return self.bad_target_byte(input);
            }
            _ => return self.fail(Code::InvalidUrl, Reason::UrlSchema, input.at),
        }
        input.at += 1;
        Ok(())
    }

    fn authority(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match byte {
            b'/' => {
                input.at += 1;
                self.state = State::Path;
            }
            b'?' => {
                input.at += 1;
                self.state = State::Query;
            }
            b'@' if self.state == State::ServerAfterAt => {
                return self.fail(Code::InvalidUrl, Reason::UrlDoubleAt, input.at + 1);
            }
            b'@' => {
                input.at += 1;
                self.state = State::ServerAfterAt;
            }
            _ if classes::is(byte, HOST) => {
                input.at = classes::skip(input.packet, input.at, HOST);
                self.state = State::Server;
            }
            b' ' | b'\r' | b'\n' => return self.target_end(byte, input),
            _ => return self.fail(Code::InvalidUrl, Reason::UrlServer, input.at),
        }
        Ok(())
    }

    /// Reads path, query and fragment, at a byte that does not simply belong to them.
    fn path(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match (self.state, byte) {
            (_, b' ' | b'\r' | b'\n') => return self.target_end(byte, input),
            (State::Path, b'?') => self.state = State::Query,
            (State::Path | State::Query, b'#') => self.state = State::Fragment,
            (State::Query | State::Fragment, b'?') | (State::Fragment, b'#') => {}
            (State::Path, _) => return self.fail(Code::InvalidUrl, Reason::UrlPath, input.at),
            (State::Query, _) => return self.fail(Code::InvalidUrl, Reason::UrlQuery, input.at),
            _ => return self.fail(Code::InvalidUrl, Reason::UrlFragment, input.at),
        }
        input.at += 1;
        Ok(())
    }

    /// Reads what ends the target. A line end without a protocol means HTTP/0.9.
    fn after_target(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match self.state {
            State::SpaceAfterTarget => self.state = State::AfterTarget,
            State::CrAfterTarget => self.state = State::LfAfterTarget,
            State::LfAfterTarget if byte != b'\n' => {
                return self.fail(Code::InvalidUrl, Reason::UrlCrlf, input.at);
            }
            State::LfAfterTarget | State::BareLfAfterTarget => {
                self.state = State::AfterHttp09Target;
            }
            State::AfterTarget => {
                self.state = State::SpacesBeforeProtocol;
                return Ok(());
            }
            // AfterHttp09Target
            _ => {
                self.version = (0, 9);
                self.state = State::HeadersStart;
                return Ok(());
            }
        }
        input.at += 1;
        Ok(())
    }

    /// The error of a byte that no target may have. The byte is consumed.
    pub(super) fn bad_target_byte(&self, input: &Input<'_>) -> Step {
        self.fail(Code::InvalidUrl, Reason::UrlCharacters, input.at + 1)
    }

    fn target_end(&mut self, byte: u8, input: &Input<'_>) -> Step {
        self.end_span(input, input.at, input.at)?;
        self.state = match byte {
            b' ' => State::SpaceAfterTarget,
            b'\r' => State::CrAfterTarget,
            _ => State::BareLfAfterTarget,
        };
        Ok(())
    }
}
