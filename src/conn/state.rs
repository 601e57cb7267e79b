//! What the JavaScript thread and the connection's task share under the small lock.

use std::os::fd::RawFd;
use std::task::Waker;

use super::io;
use super::outbox::Outbox;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does.
    Open,
    /// The task is to close the descriptor.
    Closing {
        /// With RST.
        reset: bool,
    },
    /// JavaScript took a duplicate; the task is to let go of the connection.
    Detached,
}

/// Whether FIN was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// It was not asked for.
    No,
    /// FIN is to follow what is in the outbox.
    Wanted,
    /// It was.
    Done,
}

/// What is under the small lock.
#[derive(Debug)]
pub struct Control {
    /// -1 once closed. Only the task closes it, so it may read from it without the lock.
    pub fd: RawFd,
    /// Whether the connection goes on.
    pub fate: Fate,
    /// JavaScript knows the connection, or will with a delivery that is on its way.
    pub shown: bool,
    /// It is one of the open connections that its server counts.
    pub counted: bool,
    /// A packet is on its way to JavaScript, or was dispatched in this turn of its event loop.
    pub outstanding: bool,
    /// There are bytes in that packet.
    pub has_bytes: bool,
    /// There is something to read (or to parse), but JavaScript has to act first.
    pub held: bool,
    /// JavaScript has stopped reading.
    pub paused: bool,
    /// The next thing to be read is the end, whatever the kernel says (the setting `hangUpEnds`).
    pub hung_up: bool,
    /// Nothing is read any more: FIN, an error, or no longer HTTP.
    pub read_done: bool,
    /// A head with the upgrade bit waits for JavaScript's answer.
    pub parked: bool,
    /// Whether FIN was sent, or is to be.
    pub shutdown: Shutdown,
    /// Output that the kernel has not taken.
    pub outbox: Outbox,
    /// The outbox holds output that is to be offered to the kernel at the end of the JavaScript
    /// thread's batch. Nothing else is in it then.
    pub deferred: bool,
    /// The kernel did not take all of what it was offered last: nothing is deferred until it does.
    pub tight: bool,
    /// JavaScript is to be told when all pending output has left.
    pub write_awaited: bool,
    /// JavaScript is to be told when the FIN has left.
    pub shutdown_awaited: bool,
    /// An error of the socket that was met in sending, and belongs to the next read. The system tells
    /// it once, so that this would find FIN, or nothing.
    pub kept_error: Option<i32>,
    /// What reading has failed with. A thread may have read it before JavaScript writes, which in Node would
    /// be the first to meet it.
    pub read_error: Option<i32>,
    /// Bytes that JavaScript wrote.
    pub written: u64,
    /// Of the task.
    pub waker: Option<Waker>,
}

impl Control {
    /// Of a connection that begins.
    pub fn new(fd: RawFd) -> Control {
        Control {
            fd,
            fate: Fate::Open,
            shown: false,
            counted: false,
            outstanding: false,
            has_bytes: false,
            held: false,
            paused: false,
            hung_up: false,
            read_done: false,
            parked: false,
            shutdown: Shutdown::No,
            outbox: Outbox::default(),
            deferred: false,
            tight: false,
            write_awaited: false,
            shutdown_awaited: false,
            kept_error: None,
            read_error: None,
            written: 0,
            waker: None,
        }
    }

    /// Whether neither JavaScript nor the task has ended it.
    pub fn is_open(&self) -> bool {
        self.fate == Fate::Open
    }

    /// Whether the task has something to send. What is deferred the batch sends at its end.
    pub fn has_output(&self) -> bool {
        !(self.outbox.is_empty() || self.deferred) || self.shutdown == Shutdown::Wanted
    }

    /// Whether a further packet may be read now.
    pub fn may_read(&self) -> bool {
        !self.outstanding && !self.paused && !self.parked
    }

    /// Remembers how to wake the task.
    pub fn keep_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(kept) => kept.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Output is lost. Nothing may follow it, so both directions end, if the kernel has not ended them. An
    /// error of the connection is kept for the next read; all others are of the write, whose callback tells
    /// them if it is `awaited`. Else JavaScript takes it for written, and the read tells. A broken pipe is
    /// nothing that a read meets.
    pub fn keep_error(&mut self, errno: i32, awaited: bool) {
        io::shut_both_ways(self.fd);
        let of_the_connection = matches!(
            errno,
            libc::ECONNRESET | libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH
        );
        if of_the_connection || !awaited && (errno != libc::EPIPE || !self.reads()) {
            self.kept_error = Some(errno);
        }
    }

    /// Whether reading goes on, now or when JavaScript has dealt with what was read.
    pub fn reads(&self) -> bool {
        !self.paused && !self.parked && !self.read_done
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
