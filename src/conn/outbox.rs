//! Output of a connection that the kernel has not taken.
//!
//! It has two parts. *Deferred* output comes first. JavaScript was told that it is written, so it counts as taken, as
//! if the kernel's buffer were larger. It is a copy of limited size ([`DEFERRED`]). *Pending* output follows.
//! JavaScript waits for it. It keeps the caller's memory in place and is sent from there, as in libuv.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::output::{Front, Output, Piece};
use crate::buffer_pool;
use crate::http1::invariant;
use crate::memory::Loan;

/// The largest number of bytes of one connection that are deferred.
pub const DEFERRED: usize = 16 * 1024;

/// Pending text of up to this length is copied, so that it takes no more memory than it needs. Longer text stays in the
/// memory into which it was encoded.
const COPIED: usize = 64 * 1024;

/// Small copies are joined in one entry of up to this length.
const ENTRY: usize = 16 * 1024;

/// Pending output in one stretch of memory.
#[derive(Debug)]
enum Entry {
    Own(Vec<u8>),
    /// A part of a text that is not copied.
    Text(Arc<Vec<u8>>, Range<usize>),
    Lent(Lent),
}

/// Memory of the caller that the loan keeps in place. JavaScript may write to it meanwhile, or give it away. The kernel
/// sends what it finds there, as with libuv, and nothing else reads it.
#[derive(Debug)]
struct Lent {
    start: *const u8,
    length: usize,
    /// Bytes of that memory that come before `start`.
    skipped: usize,
    number: u32,
    loan: Arc<Loan>,
}

// SAFETY: the memory may be read from any thread while the loan lasts, and the loan may be given back from any thread.
unsafe impl Send for Lent {}

impl Entry {
    fn bytes(&self) -> &[u8] {
        match self {
            Entry::Own(bytes) => bytes,
            Entry::Text(text, range) => {
                invariant!(text.get(range.clone()), "a piece lies in its text")
            }
            // SAFETY: the loan keeps the memory in place. Only the kernel gets the slice, so it does not matter if the
            // bytes change.
            Entry::Lent(lent) => unsafe { std::slice::from_raw_parts(lent.start, lent.length) },
        }
    }

    fn len(&self) -> usize {
        match self {
            Entry::Own(bytes) => bytes.len(),
            Entry::Text(_, range) => range.len(),
            Entry::Lent(lent) => lent.length,
        }
    }
}

/// What has not left when a connection is given away.
#[derive(Debug)]
pub enum Remainder {
    /// Bytes of our own.
    Bytes(Vec<u8>),
    /// The caller's memory, behind the bytes that have left.
    Lent {
        /// The loan that keeps the memory in place.
        loan: Arc<Loan>,
        /// The number of the piece, as in [`Piece::Bytes`].
        number: u32,
        /// Bytes of the piece that have left.
        skipped: usize,
    },
}

/// Output that the kernel has not taken.
#[derive(Debug, Default)]
pub struct Outbox {
    deferred: Vec<u8>,
    pending: VecDeque<Entry>,
    /// How many bytes of the first part have left.
    gone: usize,
    /// How many bytes of `pending` have not left.
    waiting: usize,
}

impl Outbox {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.deferred.is_empty() && self.pending.is_empty()
    }

    /// The number of pending bytes.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether nothing is pending, so that everything counts as taken.
    pub fn counts_as_taken(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether `count` more bytes may be deferred.
    pub fn can_defer(&self, count: usize) -> bool {
        self.pending.is_empty() && self.deferred.len() + count <= DEFERRED
    }

    /// Copies output that is deferred.
    pub fn defer(&mut self, output: &Output<'_>) {
        if self.deferred.is_empty() {
            self.deferred = buffer_pool::bytes();
        }
        for piece in output.pieces {
            self.deferred.extend_from_slice(output.bytes(piece));
        }
    }

    /// Appends what follows the first `skip` bytes of an output.
    pub fn append(&mut self, output: &mut Output<'_>, mut skip: usize) {
        let moved = (output.text.len() > COPIED).then(|| {
            let mut text = std::mem::take(output.text);
            text.shrink_to_fit();
            Arc::new(text)
        });
        let mut loan = None;
        for piece in output.pieces {
            let length = match piece {
                Piece::Text(range) => range.len(),
                Piece::Bytes(bytes, _) => bytes.len(),
            };
            if skip >= length {
                skip -= length;
                continue;
            }
            self.waiting += length - skip;
            match (piece, &moved) {
                (Piece::Text(range), Some(text)) => {
                    let range = range.start + skip..range.end;
                    self.pending.push_back(Entry::Text(text.clone(), range));
                }
                (Piece::Text(_), None) => self.copy(invariant!(
                    output.bytes(piece).get(skip..),
                    "a piece is longer than what is skipped of it"
                )),
                (&Piece::Bytes(bytes, number), _) => {
                    let rest = invariant!(
                        bytes.get(skip..),
                        "a piece is longer than what is skipped of it"
                    );
                    match loan.get_or_insert_with(|| (output.lend)().map(Arc::new)) {
                        None => self.copy(rest),
                        Some(loan) => self.pending.push_back(Entry::Lent(Lent {
                            start: rest.as_ptr(),
                            length: length - skip,
                            skipped: skip,
                            number,
                            loan: loan.clone(),
                        })),
                    }
                }
            }
            skip = 0;
        }
    }

    fn copy(&mut self, bytes: &[u8]) {
        match self.pending.back_mut() {
            Some(Entry::Own(last)) if last.len() + bytes.len() <= ENTRY => {
                last.extend_from_slice(bytes);
            }
            _ => self.pending.push_back(Entry::Own(bytes.to_vec())),
        }
    }

    /// What was deferred and has not left.
    pub fn deferred(&self) -> &[u8] {
        self.deferred.get(self.gone..).unwrap_or(&[])
    }

    /// The first pieces, as many as one system call takes.
    pub fn front(&self) -> Front<'_> {
        let mut front = Front::default();
        let mut gone = self.gone;
        if !self.deferred.is_empty() {
            front.push(invariant!(
                self.deferred.get(gone..),
                "what is gone is less than what comes first"
            ));
            gone = 0;
        }
        for entry in &self.pending {
            if !front.push(invariant!(
                entry.bytes().get(gone..),
                "what is gone is less than what comes first"
            )) {
                break;
            }
            gone = 0;
        }
        front
    }

    /// Notes that `count` bytes have left.
    pub fn advance(&mut self, count: usize) {
        self.gone += count;
        if !self.deferred.is_empty() {
            let Some(more) = self.gone.checked_sub(self.deferred.len()) else {
                return;
            };
            buffer_pool::keep_bytes(std::mem::take(&mut self.deferred));
            self.gone = more;
            self.waiting -= more;
        } else {
            self.waiting -= count;
        }
        while let Some(first) = self.pending.front()
            && self.gone >= first.len()
        {
            self.gone -= first.len();
            self.pending.pop_front();
        }
        if self.pending.is_empty() {
            self.clear();
        }
    }

    /// Drops all of it. An idle connection keeps no memory for output.
    pub fn clear(&mut self) {
        buffer_pool::keep_bytes(std::mem::take(&mut self.deferred));
        if self.pending.capacity() > 0 {
            self.pending = VecDeque::new();
        }
        self.gone = 0;
        self.waiting = 0;
    }

    /// Takes what was deferred, and drops the rest.
    pub fn take_deferred(&mut self) -> Vec<u8> {
        let mut all = std::mem::take(self);
        if !all.deferred.is_empty() {
            all.deferred.drain(..all.gone);
        }
        all.deferred
    }

    /// Takes all of it.
    pub fn take(&mut self) -> Vec<Remainder> {
        let all = std::mem::take(self);
        let mut remainders = Vec::with_capacity(all.pending.len() + 1);
        let mut gone = all.gone;
        if !all.deferred.is_empty() {
            let rest = invariant!(
                all.deferred.get(gone..),
                "what is gone is less than what comes first"
            );
            remainders.push(Remainder::Bytes(rest.to_vec()));
            gone = 0;
        }
        for entry in all.pending {
            remainders.push(match entry {
                Entry::Lent(lent) => Remainder::Lent {
                    skipped: lent.skipped + gone,
                    number: lent.number,
                    loan: lent.loan,
                },
                own => Remainder::Bytes(
                    invariant!(
                        own.bytes().get(gone..),
                        "what is gone is less than what comes first"
                    )
                    .to_vec(),
                ),
            });
            gone = 0;
        }
        remainders
    }
}

#[cfg(test)]
mod tests {
    use super::super::output::tests::output;
    use super::*;

    #[test]
    fn output_leaves_in_order_whatever_the_kernel_takes() {
        let all = b"hello, world";
        for deferred in [0, 3] {
            for skip in 0..all.len() {
                for step in (1..=all.len()).step_by(if cfg!(miri) { 5 } else { 1 }) {
                    let mut outbox = Outbox::default();
                    for _ in 0..deferred {
                        output(|output| outbox.defer(output));
                    }
                    output(|output| outbox.append(output, skip));
                    assert_eq!(outbox.waiting(), all.len() - skip);
                    let mut left = Vec::new();
                    while !outbox.is_empty() {
                        let front = outbox.front().pieces().concat();
                        let count = step.min(front.len());
                        left.extend_from_slice(&front[..count]);
                        outbox.advance(count);
                    }
                    assert_eq!(left, [&all.repeat(deferred), &all[skip..]].concat());
                    assert_eq!(outbox.waiting(), 0);
                }
            }
        }
    }

    #[test]
    fn a_long_text_is_moved_and_a_short_one_is_copied() {
        for length in [COPIED, COPIED + 1] {
            let mut text = vec![b'x'; length];
            let memory = text.as_ptr();
            let mut outbox = Outbox::default();
            let mut output = Output {
                text: &mut text,
                pieces: &[Piece::Text(0..length)],
                blanks: 0,
                several: false,
                lend: &|| None,
            };
            outbox.append(&mut output, 1);
            assert_eq!(output.text.is_empty(), length > COPIED);
            let front = outbox.front();
            assert_eq!(front.length(), length - 1);
            assert_eq!(
                front.pieces()[0].as_ptr() == memory.wrapping_add(1),
                length > COPIED
            );
        }
    }

    #[test]
    fn what_was_deferred_is_taken_apart_or_with_the_rest() {
        let full = || {
            let mut outbox = Outbox::default();
            output(|output| outbox.defer(output));
            output(|output| outbox.append(output, 10));
            outbox
        };
        for (gone, deferred) in [
            (0, &b"hello, world"[..]),
            (2, b"llo, world"),
            (12, b""),
            (13, b""),
        ] {
            let mut outbox = full();
            outbox.advance(gone);
            assert_eq!(outbox.take_deferred(), deferred);
            assert!(outbox.is_empty() && outbox.waiting() == 0);

            outbox = full();
            outbox.advance(gone);
            let all: Vec<u8> = outbox
                .take()
                .into_iter()
                .flat_map(|part| match part {
                    Remainder::Bytes(bytes) => bytes,
                    Remainder::Lent { .. } => Vec::new(),
                })
                .collect();
            assert_eq!(all, b"hello, worldld"[gone..]);
            assert!(outbox.is_empty());
        }
    }
}
