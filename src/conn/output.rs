//! What one write is made of, and how the kernel is offered it.

use std::ops::Range;

use super::io::{FEW_PIECES, MAX_PIECES};
use crate::http1::invariant;
use crate::memory::Loan;

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

    pub(super) fn bytes<'a>(&'a self, piece: &'a Piece<'_>) -> &'a [u8] {
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
            lend: &|| None,
        };
        assert_eq!(output.front(0).length(), MAX_PIECES);
        assert_eq!(output.front(MAX_PIECES + 1).length(), MAX_PIECES - 1);
    }
}
