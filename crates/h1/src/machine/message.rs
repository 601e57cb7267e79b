//! The beginning and end of messages: the head as a whole, the framing of the body, and what follows a message.

use std::mem::MaybeUninit;

use super::head_buffer;
use super::state::{Halt, Input, State, Step, flag};
use super::{Fin, LastHead, Parser};
use crate::fast;
use crate::head::{Fields, Head, Method};
use crate::methods::Candidates;
use crate::{Code, Lenient, Outcome, Reason, Sink};

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyKind {
    None,
    /// None, and the parser pauses, because the upgrade bit is set.
    NoneThenPause,
    Chunked,
    Length,
    UntilFin,
    Refused,
}

impl Parser {
    /// Skips CR and LF before a message. Any other byte begins one.
    pub(super) fn start<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) -> Step {
        while matches!(input.peek()?, b'\r' | b'\n') {
            input.at += 1;
        }
        if self.tolerated[0] != 0 || self.past_the_end {
            self.tell_tolerated(sink);
            self.tolerated = [0; 2];
            if std::mem::take(&mut self.past_the_end) {
                self.note_tolerated(Code::ClosedConnection);
            }
        }
        self.fin = Fin::CutsMessage;
        self.in_progress = true;
        self.headers_complete = false;
        self.limits.message_begin();
        self.begun_at = self.consumed + input.at as u64;
        sink.message_begin();
        if self.config.fast_path
            && Lenient::HEADER_VALUE_RELAXED.contains(self.config.lenient)
            && self.fast_head(input, sink)
        {
            return Ok(());
        }
        self.head_buffer
            .get_or_insert_with(head_buffer::take)
            .clear();
        self.candidates = Candidates::ALL;
        self.state = State::Method;
        Ok(())
    }

    /// Tries to read a whole head at once. If that fails, nothing has changed.
    fn fast_head<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) -> bool {
        let rest = input.rest();
        let mut few = [httparse::EMPTY_HEADER; fast::FEW_FIELDS];
        let mut many = [const { MaybeUninit::uninit() }; fast::MAX_FIELDS];
        let Some(found) = fast::parse(rest, &self.config, &mut few, &mut many) else {
            return false;
        };
        self.method = found.method;
        self.version = found.version;
        self.flags = found.flags;
        self.length = found.length;
        input.at += found.len;
        self.report_head(found.target, Fields::of_slices(found.fields), sink);
        true
    }

    pub(super) fn head<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) {
        let mut buffer = self.head_buffer.take().unwrap_or_else(head_buffer::take);
        let (target, fields) = buffer.head(input.packet);
        if self.limits.has_flushed() {
            sink.fields_flushed(false);
        }
        self.report_head(target, fields, sink);
        buffer.clear();
        self.head_buffer = Some(buffer);
    }

    #[inline]
    fn report_head<S: Sink + ?Sized>(&mut self, target: &[u8], fields: Fields<'_>, sink: &mut S) {
        self.upgrade = self.has(flag::UPGRADE) && self.has(flag::CONNECTION_UPGRADE)
            || self.method == Method::CONNECT;
        self.headers_complete = true;
        self.accepted = false;
        self.heads = self.heads.wrapping_add(1);
        self.last_head = LastHead {
            method: self.method,
            flags: self.flags,
            length: self.length,
        };
        self.limits.head_complete();
        self.complete_with_head =
            matches!(self.body_kind(), BodyKind::None | BodyKind::NoneThenPause);
        let keep_alive = should_keep_alive(self.version, self.flags);
        sink.head(&Head {
            method: self.method,
            target,
            version: self.version,
            fields,
            upgrade: self.upgrade,
            keep_alive,
            complete: self.complete_with_head,
        });
        self.state = if self.upgrade {
            State::Parked
        } else {
            State::Framing
        };
        if self.complete_with_head && !self.upgrade {
            // This does at once what `framing` would do.
            self.in_progress = false;
            self.cleanup();
        }
    }

    fn body_kind(&self) -> BodyKind {
        let has_body = self.has(flag::CHUNKED) || self.length > 0;
        if self.upgrade
            && (self.method == Method::CONNECT || self.has(flag::SKIP_BODY) || !has_body)
        {
            return BodyKind::NoneThenPause;
        }
        if self.has(flag::SKIP_BODY) {
            BodyKind::None
        } else if self.has(flag::CHUNKED) {
            BodyKind::Chunked
        } else if self.has(flag::TRANSFER_ENCODING) {
            if self.lenient(Lenient::CHUNKED_LENGTH) || self.lenient(Lenient::TRANSFER_ENCODING) {
                BodyKind::UntilFin
            } else {
                BodyKind::Refused
            }
        } else if self.has(flag::CONTENT_LENGTH) && self.length > 0 {
            BodyKind::Length
        } else {
            BodyKind::None
        }
    }

    /// Chooses the state for the body, after a head.
    pub(super) fn framing<S: Sink + ?Sized>(&mut self, input: &Input<'_>, sink: &mut S) -> Step {
        match self.body_kind() {
            BodyKind::None => {
                self.message_end(input, sink);
                self.state = State::Cleanup;
            }
            BodyKind::NoneThenPause => {
                self.message_end(input, sink);
                self.after_message(input)?;
            }
            BodyKind::Chunked => {
                self.length = 0;
                self.state = State::ChunkSizeFirst;
            }
            BodyKind::Length => self.state = State::Body,
            BodyKind::UntilFin => {
                self.note_tolerated(Code::InvalidTransferEncoding);
                self.fin = Fin::CompletesMessage;
                self.state = State::BodyUntilFin;
            }
            BodyKind::Refused => {
                return self.fail(
                    Code::InvalidTransferEncoding,
                    Reason::RequestTransferEncoding,
                    input.at,
                );
            }
        }
        Ok(())
    }

    pub(super) fn chunk_header(&mut self, input: &Input<'_>) {
        self.limits.chunk_header();
        if self.length == 0 {
            self.flags |= flag::TRAILING;
            self.trailers_at = self.consumed + input.at as u64;
            self.head_buffer
                .get_or_insert_with(head_buffer::take)
                .clear();
            self.state = State::FieldStart;
        } else {
            self.state = State::ChunkData;
        }
    }

    /// Reports what the packet has of the body or chunk. Halts if that is not all of it.
    pub(super) fn body<S: Sink + ?Sized>(&mut self, input: &mut Input<'_>, sink: &mut S) -> Step {
        let rest = input.rest();
        let whole = usize::try_from(self.length).ok();
        let whole = whole.and_then(|length| rest.get(..length));
        let run = whole.unwrap_or(rest);
        if !run.is_empty() {
            sink.body(run);
        }
        input.at += run.len();
        self.length -= run.len() as u64;
        if whole.is_some() {
            Ok(())
        } else {
            Err(Halt::Starved)
        }
    }

    /// Reports the rest of the packet, which belongs to the body.
    pub(super) fn body_until_fin<S: Sink + ?Sized>(
        &mut self,
        input: &mut Input<'_>,
        sink: &mut S,
    ) -> Step {
        let rest = input.rest();
        if !rest.is_empty() {
            sink.body(rest);
        }
        input.at = input.packet.len();
        Err(Halt::Starved)
    }

    pub(super) fn message_end<S: Sink + ?Sized>(&mut self, input: &Input<'_>, sink: &mut S) {
        self.in_progress = false;
        if self.complete_with_head {
            return;
        }
        if !self.has(flag::TRAILING) {
            sink.message_complete(&Fields::default());
            return;
        }
        let buffer = self.head_buffer.get_or_insert_with(head_buffer::take);
        sink.message_complete(&buffer.head(input.packet).1);
        buffer.clear();
    }

    /// Goes on after a message. A message with the upgrade bit ends the packet, or the HTTP part of the connection.
    pub(super) fn after_message(&mut self, input: &Input<'_>) -> Step {
        if !self.upgrade {
            self.state = State::Cleanup;
            return Ok(());
        }
        if self.accepted {
            self.state = State::Upgraded;
            return Err(Halt::Outcome(Outcome::Upgraded { at: input.at }));
        }
        self.state = State::Cleanup;
        Err(Halt::Outcome(Outcome::Consumed))
    }

    pub(super) fn cleanup(&mut self) {
        let keep_alive = should_keep_alive(self.version, self.flags);
        self.fin = Fin::Safe;
        self.flags = 0;
        if keep_alive {
            self.length = 0;
        }
        self.state = if keep_alive || self.lenient(Lenient::KEEP_ALIVE) {
            self.past_the_end = !keep_alive;
            State::Start
        } else {
            State::Closed
        };
    }

    pub(super) fn closed(&mut self, input: &mut Input<'_>) -> Step {
        loop {
            let byte = input.peek()?;
            input.at += 1;
            if !matches!(byte, b'\r' | b'\n')
                && !self.tolerates(Lenient::DATA_AFTER_CLOSE, Code::ClosedConnection)
            {
                return self.fail(Code::ClosedConnection, Reason::DataAfterClose, input.at);
            }
        }
    }
}

/// Decides by llhttp's rule whether the connection is kept. By default only HTTP/1.1 is (HTTP/2.0 has the minor version
/// 0).
fn should_keep_alive(version: (u8, u8), flags: u16) -> bool {
    if version.0 > 0 && version.1 > 0 {
        flags & flag::CLOSE == 0
    } else {
        flags & flag::KEEP_ALIVE != 0
    }
}
