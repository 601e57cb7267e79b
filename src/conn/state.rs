//! The state that the JavaScript thread and the connection's task share under the lock `control`.

use std::io::ErrorKind;
use std::os::fd::RawFd;
use std::task::Waker;

use super::io;
use super::outbox::Outbox;
use super::output::Output;
use crate::record::{Records, SOCKET_ERROR, SYSCALL_WRITE, WRITTEN};

/// The result of offering bytes to the kernel.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// How many bytes it took.
    pub taken: usize,
    /// It has no room for the rest, and an event will report room. If the kernel has no memory, no event comes.
    pub full: bool,
}

/// Offers bytes to the kernel, `length` in all. `last` means that FIN follows at once.
#[inline]
pub fn offer(fd: RawFd, pieces: &[&[u8]], length: usize, last: bool) -> Result<Offer, i32> {
    let send = if last { io::send_before_fin } else { io::send };
    match send(fd, pieces) {
        Ok(taken) => Ok(Offer {
            taken,
            full: taken < length,
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

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does.
    Open,
    /// The task is to close the descriptor.
    Closing {
        /// With RST.
        reset: bool,
    },
    /// JavaScript has a duplicate of the descriptor. The task is to release the connection.
    Detached,
}

/// Whether FIN was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// It was not asked for.
    No,
    /// FIN is to leave at the end of the turn, as from libuv. If the connection is closed before that, none is sent.
    Due,
    /// FIN is to follow what is in the outbox.
    Wanted,
    /// FIN was sent.
    Done,
}

/// What is under the lock `control`.
#[derive(Debug)]
pub struct Control {
    /// The descriptor; -1 after it was closed. Only the task closes it, so the task may read from it without the lock.
    pub fd: RawFd,
    /// Whether the connection goes on.
    pub fate: Fate,
    /// JavaScript knows the connection, or a delivery about it is on its way.
    pub shown: bool,
    /// The server counts it as an open connection.
    pub counted: bool,
    /// A packet is on its way to JavaScript, or was dispatched in this turn of its event loop.
    pub outstanding: bool,
    /// There are bytes in that packet.
    pub has_bytes: bool,
    /// There is something to read or to parse, but JavaScript has to do something first.
    pub held: bool,
    /// JavaScript has stopped reading.
    pub paused: bool,
    /// JavaScript has resumed reading, but nothing is read before the next turn.
    pub resuming: bool,
    /// The end is to be delivered next, whatever reading would find (the setting `hangUpEnds`).
    pub hung_up: bool,
    /// Nothing is read any more, after FIN, an error or an upgrade.
    pub read_done: bool,
    /// A head with the upgrade bit waits for JavaScript's answer.
    pub parked: bool,
    /// Whether FIN was sent, or is to be.
    pub shutdown: Shutdown,
    /// The kernel holds the last bytes back for the FIN.
    pub corked: bool,
    /// Output that the kernel has not taken.
    pub outbox: Outbox,
    /// How many chunks without bytes are behind the pending output. If the kernel did not take a write at the first
    /// try, libuv offers it the last such chunk in an event of its own, and the write is done only after that.
    pub blanks: u32,
    /// That event was requested.
    pub blank_due: bool,
    /// The outbox has output that is to be offered to the kernel at the end of the batch of the JavaScript thread. Then
    /// it has nothing else.
    pub deferred: bool,
    /// The kernel did not take all of the last output. Nothing is deferred until it takes all.
    pub tight: bool,
    /// JavaScript waits for WRITTEN.
    pub write_awaited: bool,
    /// JavaScript waits for SHUTDOWN.
    pub shutdown_awaited: bool,
    /// An error of the socket that sending has met, and that the next read is to report. The system reports an error
    /// only once, so the read itself would find FIN, or nothing.
    pub kept_error: Option<i32>,
    /// The error with which reading has failed. A thread may have met it before JavaScript writes. In Node that write
    /// would be the first to meet it.
    pub read_error: Option<i32>,
    /// How many bytes JavaScript has written.
    pub written: u64,
    /// The waker of the task.
    pub waker: Option<Waker>,
}

impl Control {
    /// The state of a new connection.
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

    /// Whether the task has something to send. Deferred output is not the task's; it is sent at the end of the batch.
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

    /// Output is lost. Nothing may follow it, so both directions end, if the kernel has not ended them. The error is
    /// kept for the next read, which in Node meets it first. `awaited` means that JavaScript waits for that output, so
    /// its callback gets an error in any case. Otherwise JavaScript takes the output for written. Then EPIPE is dropped
    /// while the connection reads, because a read never meets it.
    pub fn keep_error(&mut self, errno: i32, awaited: bool) {
        io::shut_both_ways(self.fd);
        if awaited || errno != libc::EPIPE || !self.reads() {
            self.kept_error = Some(errno);
        }
    }

    /// Takes the kept error if a read can meet it. Other errors are for the callback of the output.
    pub fn take_read_error(&mut self) -> Option<i32> {
        self.kept_error.take_if(|errno| {
            let of_the_connection = matches!(
                *errno,
                libc::ECONNRESET | libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH
            );
            of_the_connection || !self.write_awaited
        })
    }

    /// Offers what follows the first `skip` bytes of an output to the kernel. If it fails, an error that was met before
    /// takes precedence, because in Node this write would have met that one.
    pub fn offer(&mut self, output: &Output<'_>, skip: usize, last: bool) -> Result<Offer, i32> {
        let offered = match output.only() {
            Some(bytes) => {
                let rest = bytes.get(skip..).unwrap_or(&[]);
                offer(self.fd, &[rest], rest.len(), last)
            }
            None => {
                let front = output.front(skip);
                offer(self.fd, front.pieces(), front.length(), last)
            }
        };
        offered.map_err(|errno| {
            let earlier = self.kept_error.take().or(self.read_error);
            earlier.unwrap_or(errno)
        })
    }

    /// Makes the kernel send what it holds back for FIN.
    pub fn uncork(&mut self) {
        if std::mem::take(&mut self.corked) {
            io::uncork(self.fd);
        }
    }

    /// Whether JavaScript waits for output that is lost.
    pub fn has_lost_output(&self) -> bool {
        self.kept_error.is_some() && self.write_awaited
    }

    /// The record that reports output that has left or is lost. None if there is nothing to report, or a read comes
    /// first. `was_read` means that no read has to come before the callback of a waiting write.
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
        // In Node the write would have reported it at once.
        self.read_done = true;
        let notice = [SOCKET_ERROR, errno as u32, SYSCALL_WRITE];
        Some(Records::notice(&notice))
    }

    /// Whether reading goes on, now or after JavaScript has dispatched what was read.
    pub fn reads(&self) -> bool {
        !self.paused && !self.parked && !self.read_done
    }

    /// Takes the waker, if the task waits for JavaScript.
    pub fn release(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.held) {
            self.waker.take()
        } else {
            None
        }
    }
}
