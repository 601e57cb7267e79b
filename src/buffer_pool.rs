//! A pool of small pieces of memory for each thread. A request needs three of them, each for less time than a batch of
//! deliveries takes.

use std::cell::RefCell;
use std::thread::LocalKey;

/// How many pieces a thread keeps: about as many as a batch of deliveries needs at once.
const PIECES: usize = 256;

/// The largest size in bytes of a piece that is kept.
const LARGEST: usize = 4096;

type Pieces<T> = RefCell<Vec<Vec<T>>>;

thread_local! {
    static BYTES: Pieces<u8> = const { RefCell::new(Vec::new()) };
    static NUMBERS: Pieces<u32> = const { RefCell::new(Vec::new()) };
}

/// Takes empty memory for bytes.
pub fn bytes() -> Vec<u8> {
    take(&BYTES)
}

/// Takes empty memory for numbers.
pub fn numbers() -> Vec<u32> {
    take(&NUMBERS)
}

pub fn keep_bytes(piece: Vec<u8>) {
    keep(&BYTES, piece);
}

pub fn keep_numbers(piece: Vec<u32>) {
    keep(&NUMBERS, piece);
}

fn take<T>(pieces: &'static LocalKey<Pieces<T>>) -> Vec<T> {
    pieces.with_borrow_mut(Vec::pop).unwrap_or_default()
}

fn keep<T>(pieces: &'static LocalKey<Pieces<T>>, mut piece: Vec<T>) {
    if piece.capacity() == 0 || piece.capacity() * size_of::<T>() > LARGEST {
        return;
    }
    pieces.with_borrow_mut(|pieces| {
        if pieces.len() < PIECES {
            piece.clear();
            pieces.push(piece);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_memory_comes_back_empty_and_large_memory_does_not() {
        let small: Vec<u8> = b"abc".to_vec();
        let memory = small.as_ptr();
        keep_bytes(small);
        keep_bytes(vec![0; LARGEST + 1]);
        let again = bytes();
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), memory);
        assert_eq!(bytes().capacity(), 0);
    }

    #[test]
    fn a_thread_keeps_so_many_and_no_more() {
        for _ in 0..2 * PIECES {
            keep_numbers(vec![1]);
        }
        let kept = std::iter::repeat_with(numbers).take_while(|piece| piece.capacity() > 0);
        assert_eq!(kept.count(), PIECES);
    }
}
