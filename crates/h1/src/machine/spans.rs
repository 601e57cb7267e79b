//! Spans: runs of bytes that are collected and count towards limits. A span is reported when it ends and at the end of
//! each packet, and limits are checked only then.

use super::Parser;
use super::head_buffer;
use super::state::{Input, SpanKind, State, Step};

impl Parser {
    /// A span begins at the current offset.
    #[inline]
    pub(super) fn begin_span(&mut self, kind: SpanKind, input: &mut Input<'_>) {
        self.span = Some(kind);
        input.mark = input.at;
        if kind != SpanKind::Extension
            && let Some(buffer) = &mut self.head_buffer
        {
            buffer.begin(kind, input.packet);
        }
    }

    /// The open span ends before `end`. If a limit is reached, the error is at `error_at`.
    #[inline]
    pub(super) fn end_span(&mut self, input: &Input<'_>, end: usize, error_at: usize) -> Step {
        match self.span.take() {
            Some(kind) => self.report_span(kind, input, end, error_at),
            None => Ok(()),
        }
    }

    pub(super) fn suspend_span(&mut self, input: &Input<'_>) -> Step {
        let end = input.packet.len();
        match self.span {
            Some(kind) => self.report_span(kind, input, end, end),
            None => Ok(()),
        }
    }

    fn report_span(
        &mut self,
        kind: SpanKind,
        input: &Input<'_>,
        end: usize,
        error_at: usize,
    ) -> Step {
        let len = end - input.mark;
        if kind == SpanKind::Extension {
            return match self.limits.count_extension(len) {
                Ok(()) => Ok(()),
                Err((code, reason)) => self.fail(code, reason, error_at),
            };
        }
        if let Err((code, reason)) = self.limits.count_bytes(len, &self.config) {
            return self.fail(code, reason, error_at);
        }
        let Some(buffer) = &mut self.head_buffer else {
            return Ok(());
        };
        if kind == SpanKind::Name && buffer.begins_field() {
            match self.limits.count_field(&self.config) {
                Ok(keep) => buffer.begin_field(keep),
                Err((code, reason)) => return self.fail(code, reason, error_at),
            }
        }
        buffer.extend(kind, input.packet, input.mark, end);
        Ok(())
    }

    /// The packet ends. Keeps what is still needed of it, or gives the head buffer back.
    pub(super) fn suspend_head_buffer(&mut self, packet: &[u8]) {
        let collecting = self.state > State::Start && self.state < State::ChunkSizeFirst;
        if collecting {
            if let Some(buffer) = &mut self.head_buffer {
                buffer.detach(packet);
                buffer.carry(self.state);
            }
        } else {
            self.drop_head_buffer();
        }
    }

    /// Gives the head buffer back, because nothing of a head or of trailers is needed any more.
    pub(super) fn drop_head_buffer(&mut self) {
        if let Some(buffer) = self.head_buffer.take() {
            head_buffer::give_back(buffer);
        }
    }
}
