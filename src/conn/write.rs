//! Output: it is offered to the kernel, deferred, or left to the task.

use std::sync::Arc;

use super::outbox;
use super::output::Output;
use super::state::{Control, Shutdown, offer};
use super::{Conn, io, wake};
use crate::engine::deferred::{Flush, Moment};
use crate::sync::atomic::Ordering;

/// How much of an output the kernel took at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All of it, or it was deferred.
    All,
    /// A part of it. The rest is pending.
    Part,
    /// Nothing. All of it is pending.
    Nothing,
    /// All of it at the second try (0), or the second try failed with this errno. The callback comes at the end of the
    /// turn.
    Ended(i32),
}

/// What is known of the peer when something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knowledge {
    /// A reactor was asked before the packet was dispatched, just now.
    Current,
    /// The program has taken long since then, or another thread has read the packet.
    Outdated,
    /// It writes at some other time.
    Unasked,
}

impl Conn {
    /// Sends an output as far as the kernel takes it, and keeps the rest. WRITTEN reports when the rest has left.
    /// `last` means that [`shutdown`](Self::shutdown) follows at once.
    pub fn write(&self, output: &mut Output<'_>, last: bool) -> Result<Taken, i32> {
        let total = output.len();
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(libc::EBADF);
        }
        if control.shutdown != Shutdown::No {
            return Err(libc::EPIPE);
        }
        control.written += total as u64;
        control.corked = last;
        send_deferred(&mut control, last)?;
        let mut sent = 0;
        if control.outbox.is_empty() {
            // libuv passes several chunks by writev(2).
            if total == 0 && output.several && !io::EMPTY_WRITEV_FAILS {
                return Ok(Taken::All);
            }
            let first = control.offer(output, 0, last)?;
            sent = first.taken;
            control.tight = sent < total;
            if !control.tight {
                return Ok(Taken::All);
            }
            // libuv tries once more before it waits, and reports the result of that a little later.
            match control.offer(output, sent, last) {
                Ok(second) => {
                    sent += second.taken;
                    self.full.store(second.full, Ordering::Relaxed);
                }
                Err(errno) => return Ok(Taken::Ended(errno)),
            }
            if sent == total && output.blanks == 0 {
                return Ok(Taken::Ended(0));
            }
        }
        control.outbox.append(output, sent);
        control.blanks = output.blanks;
        control.write_awaited = true;
        let waker = control.waker.take();
        drop(control);
        wake(waker);
        Ok(if sent > 0 {
            Taken::Part
        } else {
            Taken::Nothing
        })
    }

    /// Defers output until [`flush`](Self::flush), which the caller arranges. The output counts as taken by the kernel:
    /// JavaScript does not hear when it leaves, and it survives a [`close`](Self::close). Returns false if the output
    /// must not be deferred: too much would be kept, the kernel had no room at the last write, or the peer has left, so
    /// that this write or the next one has to fail as in Node. The kernel is asked for that, unless it was asked just now.
    pub fn defer(&self, output: &Output<'_>, knowledge: Knowledge) -> bool {
        let total = output.len();
        if total > outbox::DEFERRED || self.closed.load(Ordering::Relaxed) {
            return false;
        }
        let mut control = crate::lock(&self.control);
        let asks = match knowledge {
            Knowledge::Current => false,
            Knowledge::Outdated => true,
            Knowledge::Unasked => !control.deferred,
        };
        if !control.is_open()
            || control.shutdown != Shutdown::No
            || control.tight
            || control.kept_error.is_some()
            || !control.outbox.can_defer(total)
            || asks && io::has_left(control.fd)
        {
            return false;
        }
        control.outbox.defer(output);
        control.written += total as u64;
        control.deferred = true;
        true
    }

    /// Sends deferred output and, at the end of the turn, the FIN that is due. What the kernel does not take stays with
    /// the task. Returns whether FIN is still due.
    pub fn flush(self: &Arc<Self>, moment: Moment) -> bool {
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return false;
        }
        let due = control.shutdown == Shutdown::Due;
        if due && moment == Moment::Batch {
            return true;
        }
        let fin = due && moment == Moment::Turn;
        if let Err(errno) = send_deferred(&mut control, fin) {
            control.keep_error(errno, false);
        }
        if fin && !control.outbox.is_empty() {
            control.shutdown = Shutdown::Wanted;
        } else if fin {
            control.shutdown = Shutdown::Done;
            // It fails if the peer has gone, which then needs no FIN.
            let _ = io::shutdown(control.fd);
        } else if due {
            control.uncork();
        }
        if !control.outbox.is_empty() {
            let waker = control.waker.take();
            drop(control);
            wake(waker);
        } else if control.kept_error.is_some() && !control.reads() {
            self.tell_lost_output(control);
        }
        due && !fin
    }

    /// Sends FIN behind all output, at the end of the turn. The caller arranges a [`flush`](Self::flush). Returns
    /// `Ok(true)` if JavaScript has to wait for SHUTDOWN.
    pub fn shutdown(&self) -> Result<bool, i32> {
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(libc::EBADF);
        }
        if control.shutdown != Shutdown::No {
            return Err(libc::ENOTCONN);
        }
        if control.outbox.counts_as_taken() {
            control.shutdown = Shutdown::Due;
            return Ok(false);
        }
        control.shutdown = Shutdown::Wanted;
        control.shutdown_awaited = true;
        Ok(true)
    }

    /// How many bytes JavaScript has written so far.
    pub fn bytes_written(&self) -> u64 {
        crate::lock(&self.control).written
    }

    /// How many bytes are pending.
    pub fn write_queue_size(&self) -> usize {
        crate::lock(&self.control).outbox.waiting()
    }
}

impl Flush for Conn {
    fn flush(self: &Arc<Self>, moment: Moment) -> bool {
        Conn::flush(self, moment)
    }
}

/// Offers deferred output to the kernel. Nothing else is in the outbox. `last` means that FIN follows at once. If it
/// fails, the output is dropped.
pub(super) fn send_deferred(control: &mut Control, last: bool) -> Result<(), i32> {
    if !std::mem::take(&mut control.deferred) {
        return Ok(());
    }
    let output = control.outbox.deferred();
    let wanted = output.len();
    if wanted == 0 {
        return Ok(());
    }
    match offer(control.fd, &[output], wanted, last) {
        Ok(offer) => {
            control.tight = offer.taken < wanted;
            control.outbox.advance(offer.taken);
            Ok(())
        }
        Err(errno) => {
            control.outbox.clear();
            Err(errno)
        }
    }
}
