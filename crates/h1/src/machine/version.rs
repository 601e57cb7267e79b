//! The rest of the request line behind the target: protocol, version, line end.

use super::Parser;
use super::state::{Input, State, Step};
use crate::methods;
use crate::{Code, Lenient, Method, Reason};

/// The rest of the preface of an HTTP/2 client (RFC 9113, section 3.4), behind its request line.
const H2_PREFACE_REST: &[u8] = b"\r\n\r\nSM\r\n\r\n";

/// `Parser::literal` in [`State::Protocol`] indexes this.
const PROTOCOLS: [&[u8]; 3] = [b"HTTP", b"RTSP", b"ICE"];

impl Parser {
    pub(super) fn version(&mut self, input: &mut Input<'_>) -> Step {
        let byte = input.peek()?;
        match self.state {
            State::SpacesBeforeProtocol => {
                self.before_protocol(byte, input);
                Ok(())
            }
            State::ProtocolStart | State::Protocol | State::SlashAfterProtocol => {
                self.protocol(byte, input)
            }
            State::Major | State::Dot | State::Minor => self.version_number(byte, input),
            State::VersionEnd | State::VersionLf => self.version_end(byte, input),
            // H2Preface
            _ => self.h2_preface(byte, input),
        }
    }

    fn before_protocol(&mut self, byte: u8, input: &mut Input<'_>) {
        // This reads the usual end of the line as a whole.
        let http11 = input.rest().starts_with(b"HTTP/1.1\r\n")
            && methods::of_http(self.method)
            && self.method != Method::PRI;
        if http11 {
            input.at += 10;
            self.version = (1, 1);
            self.state = State::HeadersStart;
        } else if byte == b' ' {
            input.at += 1;
        } else {
            self.state = State::ProtocolStart;
        }
    }

    fn protocol(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match self.state {
            State::ProtocolStart => {
                let Some(word) = PROTOCOLS.iter().position(|word| word[0] == byte) else {
                    return self.fail(Code::InvalidConstant, Reason::Protocol, input.at);
                };
                input.at += 1;
                self.literal = word as u8;
                self.matched = 1;
                self.state = State::Protocol;
            }
            State::Protocol => {
                let word = PROTOCOLS[self.literal as usize];
                if word.get(self.matched as usize) != Some(&byte) {
                    return self.fail(Code::InvalidConstant, Reason::Protocol, input.at);
                }
                input.at += 1;
                self.matched += 1;
                if self.matched as usize == word.len() {
                    self.check_method(input)?;
                    self.state = State::SlashAfterProtocol;
                }
            }
            // SlashAfterProtocol
            _ => {
                if byte != b'/' {
                    return self.fail(Code::InvalidConstant, Reason::Protocol, input.at);
                }
                input.at += 1;
                self.state = State::Major;
            }
        }
        Ok(())
    }

    fn version_number(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match self.state {
            State::Major => {
                if !byte.is_ascii_digit() {
                    return self.fail(Code::InvalidVersion, Reason::MajorVersion, input.at);
                }
                input.at += 1;
                self.version.0 = byte - b'0';
                self.state = State::Dot;
            }
            State::Dot => {
                if byte != b'.' {
                    return self.fail(Code::InvalidVersion, Reason::VersionDot, input.at);
                }
                input.at += 1;
                self.state = State::Minor;
            }
            // Minor
            _ => {
                if !byte.is_ascii_digit() {
                    return self.fail(Code::InvalidVersion, Reason::MinorVersion, input.at);
                }
                input.at += 1;
                self.version.1 = byte - b'0';
                let known = matches!(self.version, (0, 9) | (1, 0) | (1, 1) | (2, 0));
                if !known && !self.tolerates(Lenient::VERSION, Code::InvalidVersion) {
                    return self.fail(Code::InvalidVersion, Reason::Version, input.at);
                }
                self.matched = 0;
                self.state = if self.method == Method::PRI {
                    State::H2Preface
                } else {
                    State::VersionEnd
                };
            }
        }
        Ok(())
    }

    fn version_end(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        let reason = Reason::CrlfAfterVersion;
        if self.state == State::VersionEnd {
            match byte {
                b'\r' => {}
                b'\n' if self.tolerates_bare_lf(Code::InvalidVersion) => {}
                b'\n' => return self.fail(Code::InvalidVersion, reason, input.at + 1),
                _ => return self.fail(Code::InvalidVersion, reason, input.at),
            }
            input.at += 1;
            self.state = State::VersionLf;
            return Ok(());
        }
        if byte == b'\n' {
            input.at += 1;
        } else if !self.tolerates(Lenient::OPTIONAL_LF_AFTER_CR, Code::Strict) {
            return self.fail(Code::Strict, reason, input.at);
        }
        self.state = State::HeadersStart;
        Ok(())
    }

    fn h2_preface(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        if H2_PREFACE_REST.get(self.matched as usize) != Some(&byte) {
            return self.fail(Code::InvalidVersion, Reason::H2Preface, input.at);
        }
        input.at += 1;
        self.matched += 1;
        if self.matched as usize == H2_PREFACE_REST.len() {
            return self.fail(Code::PausedH2Upgrade, Reason::H2Pause, input.at);
        }
        Ok(())
    }

    /// Checks that the method may be used with the protocol, whose name is complete.
    fn check_method(&self, input: &Input<'_>) -> Step {
        let (allowed, reason) = match self.literal {
            0 => (methods::of_http(self.method), Reason::HttpMethod),
            1 => (methods::of_rtsp(self.method), Reason::RtspMethod),
            _ => (self.method == Method::SOURCE, Reason::IceMethod),
        };
        if allowed {
            Ok(())
        } else {
            self.fail(Code::InvalidConstant, reason, input.at)
        }
    }
}
