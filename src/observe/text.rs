//! Short texts of fixed size for what was received.

/// At most `N` bytes of a text, and the length of the whole text.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    total: u32,
}

impl<const N: usize> Text<N> {
    /// No bytes.
    pub const EMPTY: Text<N> = Text {
        bytes: [0; N],
        total: 0,
    };

    /// Joins the pieces, as far as there is room.
    pub fn of(pieces: &[&[u8]]) -> Text<N> {
        let mut text = Text::EMPTY;
        for piece in pieces {
            text.push(piece);
        }
        text
    }

    /// Replaces the text by the joined pieces. Old bytes behind them stay in memory, but nobody sees them.
    #[inline]
    pub fn set(&mut self, pieces: &[&[u8]]) {
        self.total = 0;
        for piece in pieces {
            self.push(piece);
        }
    }

    /// Appends a piece, as far as there is room.
    #[inline]
    pub fn push(&mut self, piece: &[u8]) {
        let room = self.bytes.get_mut(self.total as usize..).unwrap_or(&mut []);
        let count = piece.len().min(room.len());
        if let (Some(room), Some(piece)) = (room.get_mut(..count), piece.get(..count)) {
            room.copy_from_slice(piece);
        }
        self.total = self.total.saturating_add(piece.len() as u32);
    }

    /// The bytes that were kept.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.total as usize).unwrap_or(&self.bytes)
    }

    /// The bytes that were kept, mutably.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let kept = (self.total as usize).min(N);
        self.bytes.get_mut(..kept).unwrap_or(&mut [])
    }

    /// The length of the whole text.
    pub fn total(&self) -> usize {
        self.total as usize
    }

    /// Whether no bytes were kept.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

impl<const N: usize> std::fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_beginning_and_its_length() {
        let mut text: Text<4> = Text::of(&[b"ab", b"", b"cdef"]);
        assert_eq!(text.bytes(), b"abcd");
        assert_eq!(text.total(), 6);
        text.push(b"g");
        assert_eq!((text.bytes(), text.total()), (&b"abcd"[..], 7));
        text.set(&[b"h"]);
        assert_eq!((text.bytes(), text.total()), (&b"h"[..], 1));
        assert!(Text::<4>::EMPTY.is_empty());
    }
}
