//! Output: what is offered to the kernel, deferred, or left to the task.

use std::os::fd::RawFd;
use std::sync::Arc;

use super::outbox::{self, Output};
use super::state::{Control, Shutdown};
use super::{Conn, io, wake};
use crate::engine::deferred::Flush;
use crate::sync::atomic::Ordering;

/// What the kernel took of an output at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All of it, or it was deferred.
    All,
    /// Part of it; the rest is pending.
    Part,
    /// Nothing: all of it is pending.
    Nothing,
}

impl Conn {
    /// Sends an output as far as the kernel takes it, and keeps the rest, of which JavaScript is told
    /// when it has left. `last`: [`shutdown`](Self::shutdown) follows at once.
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
        send_deferred(&mut control, last)?;
        let mut sent = 0;
        if control.outbox.is_empty() {
            sent = send_output(control.fd, output, last)
                .map_err(|errno| control.read_error.unwrap_or(errno))?;
            control.tight = sent < total;
            if !control.tight {
                return Ok(Taken::All);
            }
        }
        control.outbox.append(output, sent);
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

    /// Keeps output for [`flush`](Self::flush), which the caller sees to. It counts as taken by the
    /// kernel: JavaScript is not told when it leaves, and it survives a [`close`](Self::close). False
    /// if that cannot be promised: too much of it would be kept, the kernel was full of late, or the peer
    /// has gone, which the write is to meet as in Node. A reactor has told of that before a packet is
    /// dispatched; who writes at another time (`unasked`) asks the kernel.
    pub fn defer(&self, output: &Output<'_>, unasked: bool) -> bool {
        let total = output.len();
        if total > outbox::DEFERRED || self.closed.load(Ordering::Relaxed) {
            return false;
        }
        let mut control = crate::lock(&self.control);
        if !control.is_open()
            || control.shutdown != Shutdown::No
            || control.tight
            || !control.outbox.can_defer(total)
            || unasked && !control.deferred && io::is_gone(control.fd)
        {
            return false;
        }
        control.outbox.defer(output);
        control.written += total as u64;
        control.deferred = true;
        true
    }

    /// Sends what was deferred. What the kernel does not take stays with the task.
    pub fn flush(self: &Arc<Self>) {
        let mut control = crate::lock(&self.control);
        if let Err(errno) = send_deferred(&mut control, false) {
            control.keep_error(errno, false);
            if !control.reads() {
                self.tell_kept_error(control);
            }
            return;
        }
        if !control.outbox.is_empty() {
            let waker = control.waker.take();
            drop(control);
            wake(waker);
        }
    }

    /// Sends FIN after all output. `Ok(true)` if JavaScript has to wait for that.
    pub fn shutdown(&self) -> Result<bool, i32> {
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(libc::EBADF);
        }
        if control.shutdown != Shutdown::No {
            return Err(libc::ENOTCONN);
        }
        if let Err(errno) = send_deferred(&mut control, true) {
            control.keep_error(errno, false);
        }
        if control.outbox.is_empty() {
            control.shutdown = Shutdown::Done;
            return match io::shutdown(control.fd) {
                Ok(()) => Ok(false),
                Err(error) => Err(error.raw_os_error().unwrap_or(libc::EIO)),
            };
        }
        control.shutdown = Shutdown::Wanted;
        control.shutdown_awaited = !control.outbox.counts_as_taken();
        let awaited = control.shutdown_awaited;
        // The task does not know of output that was deferred until now.
        let waker = control.waker.take();
        drop(control);
        wake(waker);
        Ok(awaited)
    }

    /// Bytes that JavaScript wrote so far.
    pub fn bytes_written(&self) -> u64 {
        crate::lock(&self.control).written
    }

    /// Output that JavaScript waits for.
    pub fn write_queue_size(&self) -> usize {
        crate::lock(&self.control).outbox.waiting()
    }
}

impl Flush for Conn {
    fn flush(self: &Arc<Self>) {
        Conn::flush(self);
    }
}

/// Offers deferred output to the kernel. `last`: FIN follows at once. If that fails, it is gone.
pub(super) fn send_deferred(control: &mut Control, last: bool) -> Result<(), i32> {
    if !std::mem::take(&mut control.deferred) {
        return Ok(());
    }
    let front = control.outbox.front();
    let wanted = front.length();
    if wanted == 0 {
        return Ok(());
    }
    match send_some(control.fd, front.pieces(), last) {
        Ok(sent) => {
            control.tight = sent < wanted;
            control.outbox.advance(sent);
            Ok(())
        }
        Err(errno) => {
            control.outbox.clear();
            Err(errno)
        }
    }
}

/// Offers an output to the kernel; returns how much of it that took.
fn send_output(fd: RawFd, output: &Output<'_>, last: bool) -> Result<usize, i32> {
    let mut sent = 0;
    loop {
        let front = output.front(sent);
        if front.length() == 0 {
            return Ok(sent);
        }
        let count = send_some(fd, front.pieces(), last)?;
        sent += count;
        if count < front.length() {
            return Ok(sent);
        }
    }
}

/// As [`io::send`]; 0 if the kernel is full.
fn send_some(fd: RawFd, pieces: &[&[u8]], last: bool) -> Result<usize, i32> {
    let send = if last { io::send_before_fin } else { io::send };
    match send(fd, pieces) {
        Err(error)
            if error.kind() == std::io::ErrorKind::WouldBlock || io::is_out_of_buffers(&error) =>
        {
            Ok(0)
        }
        result => result.map_err(|error| error.raw_os_error().unwrap_or(libc::EIO)),
    }
}
