//! The request line: the method, and the order of its parts.

use super::Parser;
use super::state::{Input, SpanKind, State, Step};
use crate::methods::{self, Candidates};
use crate::{Code, Method, Reason};

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
        let rest = input.rest();
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
}
