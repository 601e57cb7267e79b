//! Flow control: when the next packet is read, and what is known of the end behind one.

use std::sync::Arc;

use super::delivery::{Behind, Kind};
use super::state::Control;
use super::{Conn, io, task, wake};
use crate::record::{Records, SOCKET_ERROR, SYSCALL_WRITE, WRITTEN};
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;

impl Conn {
    /// Stops and starts reading, as JavaScript wants it.
    pub fn set_paused(&self, paused: bool) {
        let mut control = crate::lock(&self.control);
        control.paused = paused;
        let waker = if paused { None } else { control.release() };
        drop(control);
        wake(waker);
    }

    /// The delivery of a packet was consumed: everything in it was told.
    pub fn consume(&self) {
        self.consumed.store(true, Ordering::Relaxed);
    }

    /// The next packet may be read.
    pub fn acknowledge(self: &Arc<Self>) {
        self.consumed.store(false, Ordering::Relaxed);
        let mut control = crate::lock(&self.control);
        control.outstanding = false;
        let waker = control.release();
        if control.kept_error.is_some() && !control.reads() {
            self.tell_kept_error(control);
        } else {
            drop(control);
        }
        wake(waker);
    }

    /// Tells an error that was kept for the next read, because there will be none. If a write waits, it fails with the
    /// error. Otherwise the socket fails, as in Node, where the write would have failed at once.
    pub(super) fn tell_kept_error(self: &Arc<Self>, mut control: MutexGuard<'_, Control>) {
        let Some(errno) = control.kept_error.take() else {
            return;
        };
        let awaited = std::mem::take(&mut control.write_awaited);
        control.read_done |= !awaited;
        drop(control);
        let notice = if awaited {
            Records::notice(&[WRITTEN, errno as u32])
        } else {
            Records::notice(&[SOCKET_ERROR, errno as u32, SYSCALL_WRITE])
        };
        self.deliver(Kind::Notice, notice);
    }

    /// Delivers the end, after a packet behind which there is a hang-up. False if nothing is to be read at the moment;
    /// then a later read finds what there is.
    pub fn hang_up(self: &Arc<Self>) -> bool {
        task::hang_up(self)
    }

    /// A reactor has told of FIN, a hang-up or an error.
    pub(super) fn note_closed(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether bytes are on their way to JavaScript, or are being dispatched. A FIN alone does not count.
    pub fn has_bytes_coming(&self) -> bool {
        let control = crate::lock(&self.control);
        control.has_bytes && self.is_coming(&control)
    }

    pub(super) fn is_coming(&self, control: &Control) -> bool {
        control.outstanding && !self.consumed.load(Ordering::Relaxed)
    }

    /// Looks for a hang-up behind the packet that is dispatched next, if this libuv takes one for FIN. Then the end
    /// follows in the same turn.
    pub fn look_for_hang_up(&self, behind: Behind) -> bool {
        let suspected = match behind {
            Behind::Nothing | Behind::Bytes => false,
            Behind::Watched => self.closed.load(Ordering::Relaxed),
            Behind::Unwatched => true,
        };
        if !suspected || self.server.settings.hang_up_ends() == 0 {
            return false;
        }
        let mut control = crate::lock(&self.control);
        control.hung_up = control.is_open() && io::has_hung_up(control.fd);
        control.hung_up
    }

    /// Bytes that were read and not reported.
    pub fn take_bytes_read(&self) -> u32 {
        std::mem::take(&mut crate::lock(&self.read).bytes)
    }

    /// Whether nothing was read.
    pub fn is_fresh(&self) -> bool {
        !crate::lock(&self.read).begun
    }
}
