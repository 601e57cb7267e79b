//! What a packet meant, in the layout that JavaScript reads (docs/architecture.md, 'Deliveries').

use std::sync::OnceLock;
use std::time::Instant;

use crate::http1::{Code, Fields, Head, Moment, ParseError, Sink, names};
use crate::layout::head;
pub use crate::layout::place::{KEPT, KNOWN_NAME, PANICKED};
pub use crate::layout::record::*;
pub use crate::layout::syscall::{READ as SYSCALL_READ, WRITE as SYSCALL_WRITE};
use crate::memory::{Memory, Supply};
use crate::observe::refusals::{Refusals, Seen};
use crate::observe::store::Overdue;
use crate::scrap;

/// How many numbers the first record of `numbers` has.
pub fn length(numbers: &[u32]) -> usize {
    let fields = |at: usize| numbers.get(at).map_or(0, |&count| 2 * count as usize);
    match numbers.first() {
        Some(&HEAD) => 6 + fields(5),
        Some(&COMPLETE) => 2 + fields(1),
        Some(&FAILED) => 5,
        Some(&END) => 4,
        Some(&SOCKET_ERROR) => 3,
        Some(&(BODY | WRITTEN | SHUTDOWN | UPGRADED)) => 2,
        _ => 1,
    }
}

/// Numbers, the text that they cut up, and runs of bytes that become Buffers.
#[derive(Debug, Default)]
pub struct Records {
    pub numbers: Vec<u32>,
    /// latin1
    pub text: Vec<u8>,
    pub blobs: Vec<Memory>,
    /// How many HEADs are among them.
    pub heads: u32,
    /// What was seen of the refusal among them.
    pub seen: Option<Box<Seen>>,
}

impl Records {
    /// A single record without text or bytes.
    pub fn notice(numbers: &[u32]) -> Records {
        Records {
            numbers: numbers.to_vec(),
            ..Records::default()
        }
    }

    /// Of the memory of earlier ones.
    fn recycled() -> Records {
        Records {
            numbers: scrap::numbers(),
            text: scrap::bytes(),
            blobs: Vec::new(),
            heads: 0,
            seen: None,
        }
    }

    /// They were told: their memory is for the next.
    pub fn recycle(self) {
        scrap::keep_numbers(self.numbers);
        scrap::keep_bytes(self.text);
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// What the records occupy, about.
    pub fn size(&self) -> usize {
        let blobs: usize = self.blobs.iter().map(|blob| blob.len()).sum();
        self.numbers.len() * 4 + self.text.len() + blobs
    }

    pub fn push_failed(&mut self, error: &ParseError, packet: Vec<u8>) {
        let blob = self.push_blob(Memory::Own(packet));
        self.numbers.extend_from_slice(&[
            FAILED,
            error.code.index(),
            error.reason.index(),
            error.bytes_parsed as u32,
            blob,
        ]);
    }

    pub fn push_parked(&mut self) {
        self.numbers.push(PARKED);
    }

    pub fn push_upgraded(&mut self, rest: &[u8]) {
        let blob = self.push_blob(Memory::Own(rest.to_vec()));
        self.numbers.extend_from_slice(&[UPGRADED, blob]);
    }

    pub fn push_end(&mut self, verdict: Result<(), ParseError>, completed: bool) {
        let (code, reason) = match verdict {
            Ok(()) => (0, 0),
            Err(error) => (error.code.index() + 1, error.reason.index()),
        };
        self.numbers
            .extend_from_slice(&[END, code, reason, u32::from(completed)]);
    }

    /// A run of body bytes.
    pub fn push_body(&mut self, bytes: Memory) {
        let blob = self.push_blob(bytes);
        self.numbers.extend_from_slice(&[BODY, blob]);
    }

    fn push_blob(&mut self, bytes: Memory) -> u32 {
        self.blobs.push(bytes);
        (self.blobs.len() - 1) as u32
    }

    fn push_fields(&mut self, fields: &Fields<'_>) {
        self.numbers.push(fields.len() as u32);
        for (name, value) in fields.iter() {
            match names::number(name) {
                Some(number) => self.numbers.push(KNOWN_NAME | number),
                None => {
                    self.numbers.push(name.len() as u32);
                    self.text.extend_from_slice(name);
                }
            }
            self.numbers.push(value.len() as u32);
            self.text.extend_from_slice(value);
        }
    }
}

/// A packet that waits for the answer to an upgrade, and where parsing goes on in it.
#[derive(Debug)]
pub struct Parked {
    pub packet: Vec<u8>,
    pub at: usize,
}

/// Where the message in progress stands, for the timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When the message began (at first: when the connection did), in ns of [`now`]; 0 between
    /// messages.
    pub start: u64,
    pub headers_complete: bool,
    /// A message has begun, now or earlier.
    pub begun: bool,
}

impl Progress {
    /// Of a connection that begins now.
    pub fn begin() -> Progress {
        Progress {
            start: now(),
            headers_complete: false,
            begun: false,
        }
    }

    /// The limit that [`overdue`](Self::overdue) found passed.
    pub fn passed(&self, now: u64, headers: u64, request: u64) -> Option<Overdue> {
        if self.start == 0 {
            return None;
        }
        let seen = now.saturating_sub(self.start) / 1_000_000;
        let of = |headers, value| Overdue {
            headers,
            value,
            seen,
        };
        // Node takes the smaller of two limits for the headers.
        let swapped = request > 0 && headers > request;
        let (first, second) = if swapped {
            (request, headers)
        } else {
            (headers, request)
        };
        if !self.headers_complete && first > 0 && seen >= first {
            return Some(of(!swapped, first));
        }
        (second > 0).then(|| of(swapped, second))
    }

    /// Whether the message in progress began before what the two limits (ms; 0 is none) allow.
    pub fn overdue(&self, now: u64, headers: u64, request: u64) -> bool {
        // Node takes the smaller of two limits for the headers.
        let (headers, request) = if request > 0 && headers > request {
            (request, headers)
        } else {
            (headers, request)
        };
        let older = |limit: u64| {
            limit > 0
                && self.start != 0
                && now.saturating_sub(self.start) > limit.saturating_mul(1_000_000)
        };
        (!self.headers_complete && older(headers)) || older(request)
    }
}

/// Nanoseconds of a monotonic clock; never 0.
pub fn now() -> u64 {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    let elapsed = ORIGIN.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX - 1) + 1
}

/// The parser's sink: writes records and follows the progress of the message.
#[derive(Debug)]
pub struct Recorder<'a> {
    pub records: Records,
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
            self.seen = Some(refusals.see(error, &moment.scene(), now));
        }
    }

    fn tolerated(&mut self, code: Code) {
        if let Some(refusals) = self.refusals {
            refusals.tolerated.count(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn progress(start: u64, headers_complete: bool) -> Progress {
        Progress {
            start,
            headers_complete,
            begun: true,
        }
    }

    #[test]
    fn a_head_is_overdue_after_the_headers_timeout() {
        let head = progress(SECOND, false);
        assert!(!head.overdue(2 * SECOND, 1_000, 5_000));
        assert!(head.overdue(2 * SECOND + 1, 1_000, 5_000));
        assert!(!progress(SECOND, true).overdue(3 * SECOND, 1_000, 5_000));
    }

    #[test]
    fn a_message_is_overdue_after_the_request_timeout() {
        assert!(progress(SECOND, true).overdue(7 * SECOND, 1_000, 5_000));
        assert!(!progress(SECOND, true).overdue(7 * SECOND, 1_000, 0));
        assert!(!progress(0, true).overdue(700 * SECOND, 1_000, 5_000));
    }

    #[test]
    fn the_smaller_limit_is_that_of_the_headers() {
        assert!(progress(SECOND, false).overdue(3 * SECOND, 9_000, 1_000));
        assert!(!progress(SECOND, true).overdue(3 * SECOND, 9_000, 1_000));
    }
}
