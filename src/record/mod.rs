//! The records of a packet, in the layout that JavaScript reads (docs/architecture.md, 'Deliveries').

mod progress;
mod recorder;

use crate::buffer_pool;
use crate::http1::{Fields, ParseError, names};
pub use crate::layout::place::{KEPT, KNOWN_NAME, PANICKED};
pub use crate::layout::record::*;
pub use crate::layout::syscall::{READ as SYSCALL_READ, WRITE as SYSCALL_WRITE};
use crate::memory::Memory;
use crate::observe::refusals::Seen;
pub use progress::{Progress, now};
pub use recorder::Recorder;

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

/// The records of a delivery: numbers, a text whose parts the numbers have the lengths of, and runs of bytes that
/// become Buffers.
#[derive(Debug, Default)]
pub struct Records {
    /// The records, one after the other.
    pub numbers: Vec<u32>,
    /// latin1
    pub text: Vec<u8>,
    /// The blobs of BODY, FAILED and UPGRADED, which have their indexes.
    pub blobs: Vec<Memory>,
    /// The number of HEADs among the records.
    pub heads: u32,
    /// What was seen of a refusal, if there is one among the records.
    pub seen: Option<Box<Seen>>,
}

impl Records {
    /// Makes a single record without text or bytes.
    pub fn notice(numbers: &[u32]) -> Records {
        Records {
            numbers: numbers.to_vec(),
            ..Records::default()
        }
    }

    /// Makes empty records in the memory of earlier ones.
    fn recycled() -> Records {
        Records {
            numbers: buffer_pool::numbers(),
            text: buffer_pool::bytes(),
            blobs: Vec::new(),
            heads: 0,
            seen: None,
        }
    }

    /// Gives the memory back to this thread's pool, once JavaScript has read the records.
    pub fn recycle(self) {
        buffer_pool::keep_numbers(self.numbers);
        buffer_pool::keep_bytes(self.text);
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The approximate size of the records in bytes.
    pub fn size(&self) -> usize {
        let blobs: usize = self.blobs.iter().map(|blob| blob.len()).sum();
        self.numbers.len() * 4 + self.text.len() + blobs
    }

    /// Adds FAILED: the packet is refused.
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

    /// Adds PARKED: the head before it waits for an answer.
    pub fn push_parked(&mut self) {
        self.numbers.push(PARKED);
    }

    /// Adds UPGRADED: HTTP has ended. `rest` follows in the packet.
    pub fn push_upgraded(&mut self, rest: &[u8]) {
        let blob = self.push_blob(Memory::Own(rest.to_vec()));
        self.numbers.extend_from_slice(&[UPGRADED, blob]);
    }

    /// Adds END: FIN was read. `completed` means that FIN ends a body.
    pub fn push_end(&mut self, verdict: Result<(), ParseError>, completed: bool) {
        let (code, reason) = match verdict {
            Ok(()) => (0, 0),
            Err(error) => (error.code.index() + 1, error.reason.index()),
        };
        self.numbers
            .extend_from_slice(&[END, code, reason, u32::from(completed)]);
    }

    /// Adds BODY: a run of body bytes.
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

/// A packet that waits for the answer to an upgrade.
#[derive(Debug)]
pub struct Parked {
    /// All of the packet.
    pub packet: Vec<u8>,
    /// The offset of the first byte that was not parsed.
    pub at: usize,
}
