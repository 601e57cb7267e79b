//! Collects a head or trailers. While everything is in one packet, spans refer to the packet; otherwise they refer to a
//! copy.

use std::cell::RefCell;

use super::state::{SpanKind, State};
use crate::head::{FieldSpan, Fields, Span};
use crate::{classes, invariant};

#[derive(Debug, Default)]
pub struct HeadBuffer {
    target: Span,
    fields: Vec<FieldSpan>,
    /// The bytes to which the spans refer after `detach`.
    copy: Vec<u8>,
    detached: bool,
    /// A part of the open span was reported. The next report extends it.
    started: bool,
    /// The current line is recorded. A limit may drop it.
    keep: bool,
    /// The packet before this one ended within the lines: in which state, and after how many
    /// lines had begun. Of the last one, only if it is recorded.
    carried: Option<Carried>,
}

/// Where a packet began, if that was within a head or trailers.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    pub state: State,
    lines: usize,
    kept: bool,
    target: usize,
}

impl HeadBuffer {
    pub fn clear(&mut self) {
        self.target = Span::default();
        self.fields.clear();
        self.copy.clear();
        self.detached = false;
        self.started = false;
        self.keep = true;
        self.carried = None;
    }

    /// A span begins. A second value span of one line extends the first (obs-fold).
    pub fn begin(&mut self, kind: SpanKind, packet: &[u8]) {
        let fold = kind == SpanKind::Value
            && self.keep
            && self
                .fields
                .last()
                .is_some_and(|field| field.value != Span::default());
        if fold {
            self.detach(packet);
        }
        self.started = fold;
    }

    /// Whether no part of the current name was reported yet.
    pub fn begins_field(&self) -> bool {
        !self.started
    }

    pub fn begin_field(&mut self, keep: bool) {
        self.keep = keep;
        if keep {
            self.fields.push(FieldSpan::default());
        }
    }

    /// Adds `packet[from..to]` to the open span.
    #[inline]
    pub fn extend(&mut self, kind: SpanKind, packet: &[u8], from: usize, to: usize) {
        let started = std::mem::replace(&mut self.started, true);
        if kind != SpanKind::Target && !self.keep {
            return;
        }
        let piece = if self.detached {
            let start = self.copy.len();
            self.copy.extend_from_slice(invariant!(
                packet.get(from..to),
                "a span lies in its packet"
            ));
            span(start, self.copy.len())
        } else {
            span(from, to)
        };
        let whole = match (kind, self.fields.last_mut()) {
            (SpanKind::Target, _) => &mut self.target,
            (SpanKind::Name, Some(field)) => &mut field.name,
            (SpanKind::Value, Some(field)) => &mut field.value,
            _ => return,
        };
        if started {
            // The bytes before it are at the end of the copy.
            whole.end = piece.end;
        } else {
            *whole = piece;
        }
    }

    /// Ends the current line. Its value loses the blanks at its end.
    #[inline]
    pub fn end_field(&mut self, packet: &[u8]) {
        let base = if self.detached { &self.copy } else { packet };
        if self.keep
            && let Some(field) = self.fields.last_mut()
        {
            let value = field.value.of(base);
            let blanks = value
                .iter()
                .rev()
                .take_while(|&&byte| classes::is_blank(byte))
                .count();
            field.value.end -= blanks as u32;
        }
    }

    /// Copies what the spans refer to, because the packet will not be there any more.
    pub fn detach(&mut self, packet: &[u8]) {
        if self.detached {
            return;
        }
        self.detached = true;
        let copy = &mut self.copy;
        let mut keep = |span: &mut Span| {
            let start = copy.len();
            copy.extend_from_slice(span.of(packet));
            *span = self::span(start, copy.len());
        };
        keep(&mut self.target);
        for field in &mut self.fields {
            keep(&mut field.name);
            // A value that has not begun must stay so.
            if field.value != Span::default() {
                keep(&mut field.value);
            }
        }
    }

    /// Notes the state in which the packet ends.
    pub fn carry(&mut self, state: State) {
        self.carried = Some(Carried {
            state,
            lines: self.fields.len(),
            kept: self.keep,
            target: self.target.len(),
        });
    }

    /// The part of the target that came before the packet.
    pub fn carried_target<'a>(&'a self, packet: &'a [u8]) -> &'a [u8] {
        let base = if self.detached { &self.copy } else { packet };
        let target = self.target.of(base);
        let length = self.carried.map_or(0, |carried| carried.target);
        invariant!(target.get(..length), "a target only grows")
    }

    /// The state in which the packet began, and the name of the last line then. The name is None if it is not known.
    pub fn carried<'a>(&'a self, packet: &'a [u8]) -> Option<(State, Option<&'a [u8]>)> {
        let carried = self.carried?;
        let base = if self.detached { &self.copy } else { packet };
        let line = carried.lines.checked_sub(1);
        let name = match line.and_then(|line| self.fields.get(line)) {
            Some(field) if carried.kept => Some(field.name.of(base)),
            Some(_) => None,
            None => Some(&[][..]),
        };
        Some((carried.state, name))
    }

    /// The part of the open span that was reported; empty if none was.
    pub fn before(&self, kind: SpanKind) -> &[u8] {
        if !self.started || !self.detached || !(self.keep || kind == SpanKind::Target) {
            return &[];
        }
        let span = match (kind, self.fields.last()) {
            (SpanKind::Target, _) => self.target,
            (SpanKind::Name, Some(field)) => field.name,
            (SpanKind::Value, Some(field)) => field.value,
            _ => return &[],
        };
        span.of(&self.copy)
    }

    /// Whether the current line is recorded.
    pub fn keeps(&self) -> bool {
        self.keep
    }

    /// The target and the fields. `packet` is the current one.
    pub fn head<'a>(&'a self, packet: &'a [u8]) -> (&'a [u8], Fields<'a>) {
        let base = if self.detached { &self.copy } else { packet };
        (self.target.of(base), Fields::of_spans(base, &self.fields))
    }
}

fn span(start: usize, end: usize) -> Span {
    Span {
        start: start as u32,
        end: end as u32,
    }
}

/// How many head buffers a thread keeps for its next heads. More would be useful only for heads that come in pieces on
/// many connections at once.
const POOLED: usize = 4;

/// A head buffer that grew beyond this many bytes is not kept.
const POOLED_SIZE: usize = 32 * 1024;

thread_local! {
    #[expect(clippy::vec_box, reason = "parsers hold boxes; taking one must not move it")]
    static POOL: RefCell<Vec<Box<HeadBuffer>>> = const { RefCell::new(Vec::new()) };
}

pub fn take() -> Box<HeadBuffer> {
    POOL.with_borrow_mut(Vec::pop).unwrap_or_default()
}

pub fn give_back(mut buffer: Box<HeadBuffer>) {
    let size = buffer.copy.capacity() + buffer.fields.capacity() * size_of::<FieldSpan>();
    if size > POOLED_SIZE {
        return;
    }
    buffer.clear();
    POOL.with_borrow_mut(|pool| {
        if pool.len() < POOLED {
            pool.push(buffer);
        }
    });
}
