//! Output of a connection that the kernel has not taken.
//!
//! It has two parts. What was *deferred* comes first: JavaScript was told that it is written, so it
//! counts as taken, as if the kernel's buffer were so much larger. It is a copy, and bounded
//! ([`DEFERRED`]). What is *pending* follows: JavaScript waits for it. That holds the caller's memory
//! in place and sends from there, as libuv does.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use super::io::{FEW_PIECES, MAX_PIECES};
use crate::buffer_pool;
use crate::http1::invariant;
use crate::memory::Loan;

/// Bytes of one connection that may be deferred.
pub const DEFERRED: usize = 16 * 1024;

/// Pending text is copied up to this length, and then takes no more memory than it has bytes. What
/// is longer is moved, in the memory in which it was made.
const COPIED: usize = 64 * 1024;

/// Small copies are put together in one entry up to this length.
const ENTRY: usize = 16 * 1024;

/// A part of an output.
#[derive(Debug)]
pub enum Piece<'a> {
    /// Of the output's text.
    Text(Range<usize>),
    /// The caller's memory, and the number by which the loan of it finds that.
    Bytes(&'a [u8], u32),
}

impl Piece<'_> {
    /// Whether there are no bytes in it.
    pub fn is_blank(&self) -> bool {
        match self {
            Piece::Text(range) => range.is_empty(),
            Piece::Bytes(bytes, _) => bytes.is_empty(),
        }
    }
}

/// What is to be sent, in order.
pub struct Output<'a> {
    /// The encoded strings, which pieces refer to by ranges.
    pub text: &'a mut Vec<u8>,
    /// What is sent, in order.
    pub pieces: &'a [Piece<'a>],
    /// Chunks without bytes behind the last one that has some.
    pub blanks: u32,
    /// Has the memory of all `Bytes` kept in place. None: it has to be copied.
    pub lend: &'a dyn Fn() -> Option<Loan>,
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("pieces", &self.pieces)
            .finish_non_exhaustive()
    }
}

impl Output<'_> {
    /// Bytes in all pieces.
    pub fn len(&self) -> usize {
        self.pieces
            .iter()
            .map(|piece| self.bytes(piece).len())
            .sum()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn bytes<'a>(&'a self, piece: &'a Piece<'_>) -> &'a [u8] {
        match piece {
            Piece::Text(range) => {
                invariant!(self.text.get(range.clone()), "a piece lies in its text")
            }
            Piece::Bytes(bytes, _) => bytes,
        }
    }

    /// What follows the first `skip` bytes, as far as one system call takes it.
    pub fn front(&self, mut skip: usize) -> Front<'_> {
        let mut front = Front::default();
        for piece in self.pieces {
            let bytes = self.bytes(piece);
            match bytes.get(skip..) {
                Some([]) => skip = 0,
                Some(rest) => {
                    skip = 0;
                    if !front.push(rest) {
                        break;
                    }
                }
                None => skip -= bytes.len(),
            }
        }
        front
    }
}

/// Pieces for one system call.
#[derive(Debug)]
pub struct Front<'a> {
    /// As long as they are few, which takes no memory.
    few: [&'a [u8]; FEW_PIECES],
    used: usize,
    /// All of them, once they are not.
    many: Vec<&'a [u8]>,
    length: usize,
}

impl Default for Front<'_> {
    fn default() -> Self {
        Front {
            few: [&[]; FEW_PIECES],
            used: 0,
            many: Vec::new(),
            length: 0,
        }
    }
}

impl<'a> Front<'a> {
    /// False: there is no room for it.
    fn push(&mut self, piece: &'a [u8]) -> bool {
        if let Some(slot) = self.few.get_mut(self.used) {
            *slot = piece;
            self.used += 1;
        } else {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.few);
            }
            if self.many.len() == MAX_PIECES {
                return false;
            }
            self.many.push(piece);
        }
        self.length += piece.len();
        true
    }

    /// The bytes, in order.
    pub fn pieces(&self) -> &[&'a [u8]] {
        if self.many.is_empty() {
            invariant!(self.few.get(..self.used), "only slots that exist are used")
        } else {
            &self.many
        }
    }

    /// Bytes in them.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// Pending output in one stretch of memory.
#[derive(Debug)]
enum Entry {
    Own(Vec<u8>),
    /// A part of a text that is not copied.
    Text(Arc<Vec<u8>>, Range<usize>),
    Lent(Lent),
}

/// Memory of the caller's that the loan keeps in place. JavaScript may write to it meanwhile, or give
/// it away: the kernel sends what it finds there, as with libuv, and nothing else reads it.
#[derive(Debug)]
struct Lent {
    start: *const u8,
    length: usize,
    /// Bytes of that memory that come before `start`.
    skipped: usize,
    number: u32,
    loan: Arc<Loan>,
}

// SAFETY: the memory may be read from any thread while the loan lasts, which may be given back from
// any thread.
unsafe impl Send for Lent {}

impl Entry {
    fn bytes(&self) -> &[u8] {
        match self {
            Entry::Own(bytes) => bytes,
            Entry::Text(text, range) => {
                invariant!(text.get(range.clone()), "a piece lies in its text")
            }
            // SAFETY: the loan keeps the memory in place. Only the kernel is shown the slice, so that
            // it does not matter if the bytes change.
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
    /// From a position on, the memory that the loan knows by the number.
    Lent {
        /// What keeps the value.
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
    /// Bytes that are gone of what comes first.
    gone: usize,
    /// Bytes of `pending` that have not left.
    waiting: usize,
}

impl Outbox {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.deferred.is_empty() && self.pending.is_empty()
    }

    /// Bytes that JavaScript waits for.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether nothing but deferred output is there, if anything.
    pub fn counts_as_taken(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether so many bytes more may be deferred.
    pub fn can_defer(&self, count: usize) -> bool {
        self.pending.is_empty() && self.deferred.len() + count <= DEFERRED
    }

    /// Copies output that may be deferred.
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

    /// What comes first, as far as one system call takes it.
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

    /// `count` bytes have left.
    pub fn advance(&mut self, count: usize) {
        self.gone += count;
        if !self.deferred.is_empty() {
            let Some(more) = self.gone.checked_sub(self.deferred.len()) else {
                return;
            };
            // An idle connection keeps no memory for output.
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

    /// Drops all of it.
    pub fn clear(&mut self) {
        buffer_pool::keep_bytes(std::mem::take(self).deferred);
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
    use super::*;

    /// Calls with an output of the pieces, the second of which is the caller's memory.
    fn output<T>(call: impl FnOnce(&mut Output<'_>) -> T) -> T {
        let mut text = b"hello, world".to_vec();
        let pieces = [
            Piece::Text(0..5),
            Piece::Bytes(b", ", 0),
            Piece::Text(7..7),
            Piece::Text(7..12),
        ];
        call(&mut Output {
            text: &mut text,
            pieces: &pieces,
            blanks: 0,
            lend: &|| None,
        })
    }

    #[test]
    fn output_leaves_in_order_whatever_the_kernel_takes() {
        let all = b"hello, world";
        for deferred in [0, 3] {
            for skip in 0..all.len() {
                for step in 1..=all.len() {
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
    fn an_output_is_offered_from_any_byte_on() {
        for skip in 0..=12 {
            let rest = output(|output| output.front(skip).pieces().concat());
            assert_eq!(rest, b"hello, world"[skip..]);
        }
    }

    #[test]
    fn one_system_call_takes_so_many_pieces() {
        let pieces: Vec<_> = (0..2 * MAX_PIECES).map(|_| Piece::Bytes(b"x", 0)).collect();
        let output = Output {
            text: &mut Vec::new(),
            pieces: &pieces,
            blanks: 0,
            lend: &|| None,
        };
        assert_eq!(output.front(0).length(), MAX_PIECES);
        assert_eq!(output.front(MAX_PIECES + 1).length(), MAX_PIECES - 1);
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
