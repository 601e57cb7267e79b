//! A connection and what its test knows: what has arrived, what was delivered, and what must not be delivered.

use std::os::fd::RawFd;
use std::sync::Arc;

use crate::conn::Conn;
use crate::js_thread::connections::Popped;
use crate::record::*;

/// A connection, and what its test knows of it.
pub struct Subject {
    pub conn: Arc<Conn>,
    pub fd: RawFd,
    pub id: u32,
    /// How many bytes of body have arrived, and how many were delivered.
    pub arrived: usize,
    pub delivered: usize,
    /// How many read bytes were reported, and how many bytes have arrived in all.
    pub reported: usize,
    pub total: usize,
    pub fin: bool,
    pub rst: bool,
    pub paused: bool,
    pub closed: bool,
    /// How many bytes JavaScript has written, and how many of them count as taken.
    pub written: Vec<u8>,
    pub pending: bool,
    pub shutdown: bool,
    /// How the connection ended: END or SOCKET_ERROR records, and CLOSED ones.
    pub ends: usize,
    pub closes: usize,
    pub failed: bool,
}

/// The byte at an offset of a body.
pub fn nth(i: usize) -> u8 {
    (i % 251) as u8
}

/// Whether a record is an error of a write.
fn is_of_a_write(record: &[u32]) -> bool {
    record.first() == Some(&SOCKET_ERROR) && record.last() == Some(&SYSCALL_WRITE)
}

impl Subject {
    /// Dispatches a delivery. Returns whether JavaScript then destroys the socket, with bytes that nobody has read.
    pub fn told(&mut self, popped: &Popped) -> bool {
        let mut destroys = false;
        self.reported += popped.bytes as usize;
        let numbers = &popped.records.numbers;
        let mut at = 0;
        while let Some(&record) = numbers.get(at) {
            assert!(!self.closed || record == CLOSED, "told after it was closed");
            assert!(
                !self.paused
                    || matches!(record, CLOSED | WRITTEN | SHUTDOWN)
                    || numbers.get(at..at + 3).is_some_and(is_of_a_write),
                "told while it is paused"
            );
            at += match record {
                HEAD => 6 + 2 * numbers[at + 5] as usize,
                BODY => {
                    let body = &popped.records.blobs[numbers[at + 1] as usize];
                    let expected = (self.delivered..self.delivered + body.len()).map(nth);
                    assert!(body.iter().copied().eq(expected), "bytes in order");
                    self.delivered += body.len();
                    2
                }
                END => {
                    assert_eq!(self.delivered, self.arrived, "the end comes last");
                    self.ends += 1;
                    4
                }
                SOCKET_ERROR => {
                    self.ends += 1;
                    destroys |= numbers[at + 2] == SYSCALL_WRITE;
                    3
                }
                WRITTEN | SHUTDOWN => {
                    self.failed |= numbers[at + 1] != 0;
                    self.pending &= record != WRITTEN;
                    2
                }
                CLOSED => {
                    self.closes += 1;
                    1
                }
                other => panic!("record {other}"),
            };
        }
        destroys
    }
}
