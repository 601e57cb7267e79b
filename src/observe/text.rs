//! Short pieces of what was received, of a size that is known in advance.

/// At most `N` bytes of a text, and how long it was.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    total: u32,
}

impl<const N: usize> Text<N> {
    pub const EMPTY: Text<N> = Text {
        bytes: [0; N],
        total: 0,
    };

    pub fn of(pieces: &[&[u8]]) -> Text<N> {
        let mut text = Text::EMPTY;
        for piece in pieces {
            text.push(piece);
        }
        text
    }

    pub fn push(&mut self, piece: &[u8]) {
        let from = self.bytes().len();
        for (slot, byte) in self.bytes.iter_mut().skip(from).zip(piece) {
            *slot = *byte;
        }
        self.total = self.total.saturating_add(piece.len() as u32);
    }

    /// What was kept of it.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.total as usize).unwrap_or(&self.bytes)
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let kept = (self.total as usize).min(N);
        self.bytes.get_mut(..kept).unwrap_or(&mut [])
    }

    /// How long the text was.
    pub fn total(&self) -> usize {
        self.total as usize
    }

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
        let text: Text<4> = Text::of(&[b"ab", b"", b"cdef"]);
        assert_eq!(text.bytes(), b"abcd");
        assert_eq!(text.total(), 6);
        assert!(Text::<4>::EMPTY.is_empty());
    }
}
