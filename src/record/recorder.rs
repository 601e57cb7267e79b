//! Writes what the parser finds into records.

use super::{COMPLETE, FLUSHED, HEAD, Progress, Records, now};
use crate::http1::{Code, Fields, Head, Moment, ParseError, Sink};
use crate::layout::head;
use crate::memory::Supply;
use crate::observe::refusals::{Refusals, Seen};

/// The parser's sink. It writes records and follows the progress of the message.
#[derive(Debug)]
pub struct Recorder<'a> {
    /// The records so far.
    pub records: Records,
    /// How far the message in progress has come.
    pub progress: Progress,
    /// A head was recorded.
    pub saw_head: bool,
    /// When the last message of the packet began; 0 for none.
    begun: u64,
    /// Where refusals are looked at.
    pub refusals: Option<&'a Refusals>,
    /// The packet was refused.
    pub seen: Option<Seen>,
    /// Where memory for body bytes comes from.
    supply: &'a mut dyn Supply,
}

impl<'a> Recorder<'a> {
    /// Makes a recorder that goes on from `progress`. Memory for bodies comes from `supply`.
    pub fn new(progress: Progress, supply: &'a mut dyn Supply) -> Recorder<'a> {
        Recorder {
            records: Records::recycled(),
            progress,
            saw_head: false,
            begun: 0,
            refusals: None,
            seen: None,
            supply,
        }
    }
}

impl Sink for Recorder<'_> {
    fn message_begin(&mut self) {
        self.begun = now();
        self.progress = Progress {
            start: self.begun,
            headers_complete: false,
            begun: true,
        };
    }

    fn head(&mut self, head: &Head<'_>) {
        self.saw_head = true;
        self.progress.headers_complete = true;
        let mut flags = 0;
        if head.keep_alive {
            flags |= head::KEEP_ALIVE;
        }
        if head.upgrade {
            flags |= head::UPGRADE;
        }
        if head.complete {
            flags |= head::WHOLE;
            self.progress.start = 0;
        }
        for (name, _) in head.fields.iter() {
            flags |= match name.len() {
                4 if name.eq_ignore_ascii_case(b"host") => head::HAS_HOST,
                6 if name.eq_ignore_ascii_case(b"expect") => head::HAS_EXPECT,
                _ => 0,
            };
        }
        let (major, minor) = head.version;
        let fields = head.fields.len();
        let records = &mut self.records;
        records.heads += 1;
        records.numbers.reserve(8 + 2 * fields);
        let text: usize = head.fields.iter().map(|(n, v)| n.len() + v.len()).sum();
        records.text.reserve(head.target.len() + text);
        records.numbers.extend_from_slice(&[
            HEAD,
            flags,
            head.method.index(),
            u32::from(major) << 8 | u32::from(minor),
            head.target.len() as u32,
        ]);
        records.text.extend_from_slice(head.target);
        records.push_fields(&head.fields);
    }

    fn body(&mut self, bytes: &[u8]) {
        let bytes = self.supply.copy(bytes);
        self.records.push_body(bytes);
    }

    fn message_complete(&mut self, trailers: &Fields<'_>) {
        self.progress.start = 0;
        self.records.numbers.push(COMPLETE);
        self.records.push_fields(trailers);
    }

    fn fields_flushed(&mut self, refused: bool) {
        // A refusal with nothing before it in the packet may be JavaScript's first.
        if !refused || !self.records.is_empty() {
            self.records.numbers.push(FLUSHED);
        }
    }

    fn refused(&mut self, error: &ParseError, moment: &Moment<'_>) {
        if let Some(refusals) = self.refusals {
            // Reading the clock is a good part of what a refusal in a flood costs.
            let now = if self.begun == 0 { now() } else { self.begun };
            self.seen = Some(refusals.see(error, moment, now));
        }
    }

    fn tolerated(&mut self, code: Code) {
        if let Some(refusals) = self.refusals {
            refusals.tolerated.count(code);
        }
    }
}
