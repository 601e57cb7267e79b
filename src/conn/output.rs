//! What one write is made of, and how the kernel is offered it.

use std::ops::Range;

use super::io::{FEW_PIECES, MAX_PIECES};
use crate::http1::invariant;
use crate::memory::Loan;

/// A part of an output.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A part of the output's text.
    Text(Range<usize>),
    /// The caller's memory, and the number by which the loan finds it.
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

/// An output: pieces that are sent in order.
pub struct Output<'a> {
    /// The encoded strings. Pieces refer to ranges of it.
    pub text: &'a mut Vec<u8>,
    /// The pieces, in order.
    pub pieces: &'a [Piece<'a>],
    /// How many chunks without bytes are behind the last one with bytes.
    pub blanks: u32,
    /// Whether JavaScript has written more than one chunk.
    pub several: bool,
    /// Keeps the memory of all `Bytes` in place. If it returns None, they have to be copied.
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
    /// The number of bytes in all pieces.
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

    pub(super) fn bytes<'a>(&'a self, piece: &'a Piece<'_>) -> &'a [u8] {
        match piece {
            Piece::Text(range) => {
                invariant!(self.text.get(range.clone()), "a piece lies in its text")
            }
            Piece::Bytes(bytes, _) => bytes,
        }
    }

    /// The bytes, if they are in one piece.
    pub(super) fn only(&self) -> Option<&[u8]> {
        match self.pieces {
            [piece] => Some(self.bytes(piece)),
            _ => None,
        }
    }

    /// The pieces behind the first `skip` bytes, as many as one system call takes.
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
    /// The pieces while they are few. They need no allocation.
    few: [&'a [u8]; FEW_PIECES],
    used: usize,
    /// All pieces, once they are many.
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
    /// Adds a piece. Returns false if there is no room for it.
    pub(super) fn push(&mut self, piece: &'a [u8]) -> bool {
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

    /// The pieces, in order.
    pub fn pieces(&self) -> &[&'a [u8]] {
        if self.many.is_empty() {
            invariant!(self.few.get(..self.used), "only slots that exist are used")
        } else {
            &self.many
        }
    }

    /// The number of bytes in them.
    pub fn length(&self) -> usize {
        self.length
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Calls with an output of the pieces, the second of which is the caller's memory.
    pub fn output<T>(call: impl FnOnce(&mut Output<'_>) -> T) -> T {
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
            several: true,
            lend: &|| None,
        })
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
            several: true,
            lend: &|| None,
        };
        assert_eq!(output.front(0).length(), MAX_PIECES);
        assert_eq!(output.front(MAX_PIECES + 1).length(), MAX_PIECES - 1);
    }
}
