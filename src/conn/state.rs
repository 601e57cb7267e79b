//! What the JavaScript thread and the connection's task share under the small lock.

use std::io::ErrorKind;
use std::os::fd::RawFd;
use std::task::Waker;

use super::io;
use super::outbox::Outbox;
use super::output::{Front, Output};
use crate::record::{Records, SOCKET_ERROR, SYSCALL_WRITE, WRITTEN};

/// What the kernel took of what it was offered.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// Bytes.
    pub taken: usize,
    /// There is no room for the rest, and an event tells when there is. If there is no memory, none does.
    pub full: bool,
}

/// Offers bytes to the kernel. `last`: FIN follows at once.
pub fn offer(fd: RawFd, front: &Front<'_>, last: bool) -> Result<Offer, i32> {
    let send = if last { io::send_before_fin } else { io::send };
    match send(fd, front.pieces()) {
        Ok(taken) => Ok(Offer {
            taken,
            full: taken < front.length(),
        }),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Offer {
            taken: 0,
            full: true,
        }),
        Err(error) if io::is_out_of_buffers(&error) => Ok(Offer {
            taken: 0,
            full: false,
        }),
        Err(error) => Err(error.raw_os_error().unwrap_or(libc::EIO)),
    }
}

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
    /// FIN is to leave at the end of the turn, as libuv sends it: who closes the connection before that
    /// sends none.
    Due,
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
    /// It is no longer, but nothing is read before the next turn.
    pub resuming: bool,
    /// The next thing to be read is the end, whatever the kernel says (the setting `hangUpEnds`).
    pub hung_up: bool,
    /// Nothing is read any more: FIN, an error, or no longer HTTP.
    pub read_done: bool,
    /// A head with the upgrade bit waits for JavaScript's answer.
    pub parked: bool,
    /// Whether FIN was sent, or is to be.
    pub shutdown: Shutdown,
    /// The kernel holds the last bytes back for the FIN.
    pub corked: bool,
    /// Output that the kernel has not taken.
    pub outbox: Outbox,
    /// Chunks without bytes behind what is pending. libuv gives the kernel the last one of a write in an event of
    /// its own, unless that took all at the first try; only then is the write done.
    pub blanks: u32,
    /// That event was asked for.
    pub blank_due: bool,
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
            resuming: false,
            hung_up: false,
            read_done: false,
            parked: false,
            shutdown: Shutdown::No,
            corked: false,
            outbox: Outbox::default(),
            blanks: 0,
            blank_due: false,
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
        !(self.outbox.is_empty() || self.deferred)
            || self.blanks > 0
            || self.shutdown == Shutdown::Wanted
    }

    /// Whether a further packet may be read now.
    pub fn may_read(&self) -> bool {
        !self.outstanding && !self.paused && !self.resuming && !self.parked
    }

    /// Remembers how to wake the task.
    pub fn keep_waker(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(kept) => kept.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// Output is lost. Nothing may follow it, so both directions end, if the kernel has not ended them. The
    /// error is kept for the read that comes next, which in Node meets it first. `awaited`: JavaScript waits for
    /// that output, so that in any case the write's callback is told. Else it takes it for written, and a broken
    /// pipe is nothing that a read meets.
    pub fn keep_error(&mut self, errno: i32, awaited: bool) {
        io::shut_both_ways(self.fd);
        if awaited || errno != libc::EPIPE || !self.reads() {
            self.kept_error = Some(errno);
        }
    }

    /// The kept error, if it is one that a read meets. Others are for whoever waits for the output.
    pub fn take_read_error(&mut self) -> Option<i32> {
        self.kept_error.take_if(|errno| {
            let of_the_connection = matches!(
                *errno,
                libc::ECONNRESET | libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH
            );
            of_the_connection || !self.write_awaited
        })
    }

    /// Offers what follows the first `skip` bytes of an output to the kernel. An error that was met before
    /// is told here, as it was met in place of this write.
    pub fn offer(&mut self, output: &Output<'_>, skip: usize, last: bool) -> Result<Offer, i32> {
        offer(self.fd, &output.front(skip), last).map_err(|errno| {
            let earlier = self.kept_error.take().or(self.read_error);
            earlier.unwrap_or(errno)
        })
    }

    /// Has the kernel send what it holds back for FIN.
    pub fn uncork(&mut self) {
        if std::mem::take(&mut self.corked) {
            io::uncork(self.fd);
        }
    }

    /// JavaScript waits for output that is lost.
    pub fn has_lost_output(&self) -> bool {
        self.kept_error.is_some() && self.write_awaited
    }

    /// What JavaScript is told of output that has left, or is lost; None if nothing, or not yet: a read comes
    /// first. `was_read`: no read is to come before the callback of a write that waits.
    pub fn outcome_of_writing(&mut self, was_read: bool) -> Option<Records> {
        let Some(errno) = self.kept_error else {
            let awaited = std::mem::take(&mut self.write_awaited);
            return awaited.then(|| Records::notice(&[WRITTEN, 0]));
        };
        if self.reads() && !(was_read && self.write_awaited) {
            return None;
        }
        self.kept_error = None;
        if std::mem::take(&mut self.write_awaited) {
            return Some(Records::notice(&[WRITTEN, errno as u32]));
        }
        // As in Node, where the write has told it at once.
        self.read_done = true;
        let notice = [SOCKET_ERROR, errno as u32, SYSCALL_WRITE];
        Some(Records::notice(&notice))
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
