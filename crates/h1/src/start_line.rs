//! Request line: method, target, protocol, version.

use super::classes::{self, ALPHA, HOST, PATH};
use super::exact::Parser;
use super::methods::{self, Candidates};
use super::state::{Input, SpanKind, State, Step};
use super::{Code, Lenient, Method, Reason};

/// What ends the request line of a client that speaks HTTP/2.
const H2_PREFACE_REST: &[u8] = b"\r\n\r\nSM\r\n\r\n";

/// `Parser::literal` in [`State::Protocol`] indexes this.
const PROTOCOLS: [&[u8]; 3] = [b"HTTP", b"RTSP", b"ICE"];

impl Parser {
    pub(super) fn start_line(&mut self, input: &mut Input<'_>) -> Step {
        loop {
            match self.state {
                State::Method => self.method(input)?,
                State::SpaceAfterMethod => {
                    if input.peek()? != b' ' {
                        return self.fail(Code::InvalidMethod, Reason::SpaceAfterMethod, input.at);
                    }
                    input.at += 1;
                    self.state = State::SpacesBeforeTarget;
                }
                State::SpacesBeforeTarget => {
                    while input.peek()? == b' ' {
                        input.at += 1;
                    }
                    if matches!(input.peek()?, b'\t' | b'\x0c') {
                        return self.bad_target_byte(input);
                    }
                    self.begin_span(SpanKind::Target, input);
                    self.state = if self.method == Method::CONNECT {
                        State::Server
                    } else {
                        State::TargetStart
                    };
                }
                state if state <= State::AfterHttp09Target => self.target(input)?,
                state if state <= State::H2Preface => self.version(input)?,
                _ => return Ok(()),
            }
        }
    }

    fn method(&mut self, input: &mut Input<'_>) -> Step {
        let rest = input.packet.get(input.at..).unwrap_or(&[]);
        if self.candidates.is_fresh() && rest.starts_with(b"GET ") {
            input.at += 3;
            self.method = Method::GET;
            self.state = State::SpaceAfterMethod;
            return Ok(());
        }
        loop {
            match self.candidates.step(input.peek()?) {
                methods::Step::More => input.at += 1,
                methods::Step::Complete(method) => {
                    input.at += 1;
                    self.method = method;
                    break;
                }
                methods::Step::Before(method) => {
                    self.method = method;
                    break;
                }
                methods::Step::Invalid => {
                    return self.fail(Code::InvalidMethod, Reason::InvalidMethod, input.at);
                }
            }
        }
        self.candidates = Candidates::ALL;
        self.state = State::SpaceAfterMethod;
        Ok(())
    }

    /// A byte that is wrong anywhere in a target is consumed by its error.
    fn bad_target_byte(&self, input: &Input<'_>) -> Step {
        self.fail(Code::InvalidUrl, Reason::UrlCharacters, input.at + 1)
    }

    fn target(&mut self, input: &mut Input<'_>) -> Step {
        if matches!(self.state, State::Path | State::Query | State::Fragment) {
            input.at = classes::skip(input.packet, input.at, PATH);
        }
        let byte = input.peek()?;
        // Within `//` and CRLF, llhttp has matched a first byte and looks for the second only.
        let within = matches!(self.state, State::SchemaSlash2 | State::LfAfterTarget);
        if matches!(byte, b'\t' | b'\x0c') && !within {
            return self.bad_target_byte(input);
        }
        match self.state {
            State::TargetStart => match byte {
                b'/' | b'*' => {
                    input.at += 1;
                    self.state = State::Path;
                }
                _ if classes::is(byte, ALPHA) => self.state = State::Schema,
                b' ' | b'\r' | b'\n' => return self.bad_target_byte(input),
                _ => return self.fail(Code::InvalidUrl, Reason::UrlStart, input.at),
            },
            State::Schema => match byte {
                b':' => {
                    input.at += 1;
                    self.state = State::SchemaSlash1;
                }
                _ if classes::is(byte, ALPHA) => input.at += 1,
                b' ' | b'\r' | b'\n' => return self.bad_target_byte(input),
                _ => return self.fail(Code::InvalidUrl, Reason::UrlSchema, input.at),
            },
            State::SchemaSlash1 => match byte {
                b'/' => {
                    input.at += 1;
                    self.state = State::SchemaSlash2;
                }
                b' ' | b'\r' | b'\n' => return self.bad_target_byte(input),
                _ => return self.fail(Code::InvalidUrl, Reason::UrlSchema, input.at),
            },
            State::Server | State::ServerAfterAt => match byte {
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
            },
            State::Path => match byte {
                b'?' => {
                    input.at += 1;
                    self.state = State::Query;
                }
                b'#' => {
                    input.at += 1;
                    self.state = State::Fragment;
                }
                b' ' | b'\r' | b'\n' => return self.target_end(byte, input),
                _ => return self.fail(Code::InvalidUrl, Reason::UrlPath, input.at),
            },
            State::Query => match byte {
                b'?' => input.at += 1,
                b'#' => {
                    input.at += 1;
                    self.state = State::Fragment;
                }
                b' ' | b'\r' | b'\n' => return self.target_end(byte, input),
                _ => return self.fail(Code::InvalidUrl, Reason::UrlQuery, input.at),
            },
            State::Fragment => match byte {
                b'?' | b'#' => input.at += 1,
                b' ' | b'\r' | b'\n' => return self.target_end(byte, input),
                _ => return self.fail(Code::InvalidUrl, Reason::UrlFragment, input.at),
            },
            State::SpaceAfterTarget => {
                input.at += 1;
                self.state = State::AfterTarget;
            }
            State::AfterTarget => self.state = State::SpacesBeforeProtocol,
            State::CrAfterTarget => {
                input.at += 1;
                self.state = State::LfAfterTarget;
            }
            State::LfAfterTarget => {
                if byte != b'\n' {
                    return self.fail(Code::InvalidUrl, Reason::UrlCrlf, input.at);
                }
                input.at += 1;
                self.state = State::AfterHttp09Target;
            }
            State::BareLfAfterTarget => {
                input.at += 1;
                self.state = State::AfterHttp09Target;
            }
            State::AfterHttp09Target => {
                self.version = (0, 9);
                self.state = State::HeadersStart;
            }
            // SchemaSlash2
            _ => {
                if byte != b'/' {
                    return self.fail(Code::InvalidUrl, Reason::UrlSchema, input.at);
                }
                input.at += 1;
                self.state = State::Server;
            }
        }
        Ok(())
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

    fn version(&mut self, input: &mut Input<'_>) -> Step {
        let byte = input.peek()?;
        match self.state {
            State::SpacesBeforeProtocol => {
                // The usual end of the line, whole.
                let rest = input.packet.get(input.at..).unwrap_or(&[]);
                let http11 = rest.starts_with(b"HTTP/1.1\r\n")
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
            State::SlashAfterProtocol => {
                if byte != b'/' {
                    return self.fail(Code::InvalidConstant, Reason::Protocol, input.at);
                }
                input.at += 1;
                self.state = State::Major;
            }
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
            State::Minor => {
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
            State::VersionEnd => {
                let reason = Reason::CrlfAfterVersion;
                match byte {
                    b'\r' => {}
                    b'\n' if self.tolerates_bare_lf(Code::InvalidVersion) => {}
                    b'\n' => return self.fail(Code::InvalidVersion, reason, input.at + 1),
                    _ => return self.fail(Code::InvalidVersion, reason, input.at),
                }
                input.at += 1;
                self.state = State::VersionLf;
            }
            State::VersionLf => {
                if byte == b'\n' {
                    input.at += 1;
                } else if !self.tolerates(Lenient::OPTIONAL_LF_AFTER_CR, Code::Strict) {
                    return self.fail(Code::Strict, Reason::CrlfAfterVersion, input.at);
                }
                self.state = State::HeadersStart;
            }
            // H2Preface
            _ => {
                if H2_PREFACE_REST.get(self.matched as usize) != Some(&byte) {
                    return self.fail(Code::InvalidVersion, Reason::H2Preface, input.at);
                }
                input.at += 1;
                self.matched += 1;
                if self.matched as usize == H2_PREFACE_REST.len() {
                    return self.fail(Code::PausedH2Upgrade, Reason::H2Pause, input.at);
                }
            }
        }
        Ok(())
    }

    /// The protocol's name is complete: not every method goes with it.
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
