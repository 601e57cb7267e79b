//! What the JavaScript thread and the connection's task share under the small lock.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::task::Waker;

use super::io::MAX_PIECES;
use crate::scrap;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Open,
    /// The task is to close the descriptor.
    Closing {
        reset: bool,
    },
    /// JavaScript took a duplicate; the task is to let go of the connection.
    Detached,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    No,
    /// FIN is to follow the pending output.
    Wanted,
    Done,
}

#[derive(Debug)]
pub struct Control {
    /// -1 once closed. Only the task closes it, so it may read from it without the lock.
    pub fd: RawFd,
    pub fate: Fate,
    /// JavaScript knows the connection, or will with a delivery that is on its way.
    pub shown: bool,
    /// A packet is on its way to JavaScript, or was dispatched in this turn of its event loop.
    pub outstanding: bool,
    /// There is something to read (or to parse), but JavaScript has to act first.
    pub held: bool,
    pub paused: bool,
    /// The next thing to be read is the end, whatever the kernel says (the setting `hangUpEnds`).
    pub hung_up: bool,
    /// Nothing is read any more: FIN, an error, or no longer HTTP.
    pub read_done: bool,
    /// A head with the upgrade bit waits for JavaScript's answer.
    pub parked: bool,
    pub shutdown: Shutdown,
    pub outbox: Outbox,
    /// The outbox holds output that waits for the end of the JavaScript thread's batch, and that
    /// nobody waits for.
    pub deferred: bool,
    /// Bytes that JavaScript wrote.
    pub written: u64,
    /// Of the task.
    pub waker: Option<Waker>,
}

impl Control {
    pub fn new(fd: RawFd) -> Control {
        Control {
            fd,
            fate: Fate::Open,
            shown: false,
            outstanding: false,
            held: false,
            paused: false,
            hung_up: false,
            read_done: false,
            parked: false,
            shutdown: Shutdown::No,
            outbox: Outbox::default(),
            deferred: false,
            written: 0,
            waker: None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.fate == Fate::Open
    }

    /// Whether the task has something to send.
    pub fn has_output(&self) -> bool {
        !self.outbox.is_empty() || self.shutdown == Shutdown::Wanted
    }

    /// Whether a further packet may be read now.
    pub fn may_read(&self) -> bool {
        !self.outstanding && !self.paused && !self.parked
    }

    pub fn keep_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(kept) => kept.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// The waker, if the task waits for JavaScript to act.
    pub fn release(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.held) {
            self.waker.take()
        } else {
            None
        }
    }
}

/// Small outputs are put together in one piece up to this length.
const PIECE: usize = 16 * 1024;

/// Output that the kernel has not taken yet.
#[derive(Debug, Default)]
pub struct Outbox {
    first: Vec<u8>,
    rest: VecDeque<Vec<u8>>,
    /// Bytes of the first piece that are gone.
    gone: usize,
    length: usize,
}

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub fn len(&self) -> usize {
        self.length
    }

    /// Appends what is left of `pieces` after `skip` bytes.
    pub fn append(&mut self, pieces: &[&[u8]], mut skip: usize) {
        for piece in pieces {
            let rest = piece.get(skip..).unwrap_or(&[]);
            skip = skip.saturating_sub(piece.len());
            if rest.is_empty() {
                continue;
            }
            if self.is_empty() {
                self.first = scrap::bytes();
            }
            self.length += rest.len();
            let last = self.rest.back_mut().unwrap_or(&mut self.first);
            if last.is_empty() || last.len() + rest.len() <= PIECE {
                last.extend_from_slice(rest);
            } else {
                self.rest.push_back(rest.to_vec());
            }
        }
    }

    /// The first pieces, for one system call.
    pub fn front(&self) -> ([&[u8]; MAX_PIECES], usize) {
        let mut front = [&[][..]; MAX_PIECES];
        front[0] = self.first.get(self.gone..).unwrap_or(&[]);
        let mut used = 1;
        for (slot, piece) in front[1..].iter_mut().zip(&self.rest) {
            *slot = piece;
            used += 1;
        }
        (front, used)
    }

    /// `count` bytes have left.
    pub fn advance(&mut self, count: usize) {
        self.length = self.length.saturating_sub(count);
        if self.length == 0 {
            // An idle connection keeps no memory for output.
            self.clear();
            return;
        }
        self.gone += count;
        while self.gone >= self.first.len() {
            self.gone -= self.first.len();
            self.first = self.rest.pop_front().unwrap_or_default();
        }
    }

    pub fn clear(&mut self) {
        scrap::keep_bytes(std::mem::take(self).first);
    }

    /// Takes all of it, in one piece.
    pub fn take(&mut self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.length);
        all.extend_from_slice(self.first.get(self.gone..).unwrap_or(&[]));
        for piece in &self.rest {
            all.extend_from_slice(piece);
        }
        self.clear();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_leaves_in_order_whatever_the_kernel_takes() {
        let all = b"hello, world";
        for skip in 0..all.len() {
            for step in 1..=all.len() {
                let mut outbox = Outbox::default();
                outbox.append(&[b"hello", b", ", b"world"], skip);
                assert_eq!(outbox.len(), all.len() - skip);
                let mut left = Vec::new();
                while !outbox.is_empty() {
                    let (front, used) = outbox.front();
                    let front = front[..used].concat();
                    let count = step.min(front.len());
                    left.extend_from_slice(&front[..count]);
                    outbox.advance(count);
                }
                assert_eq!(left, all[skip..]);
            }
        }
    }

    #[test]
    fn taking_the_rest_empties_it() {
        let mut outbox = Outbox::default();
        outbox.append(&[b"abc", b"def"], 0);
        outbox.advance(2);
        assert_eq!(outbox.take(), b"cdef");
        assert!(outbox.is_empty());
        assert!(outbox.take().is_empty());
    }
}
