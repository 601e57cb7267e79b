//! Flow control: when the next packet is read, and what is known of the end behind one.

use std::sync::Arc;

use super::delivery::{Behind, Kind};
use super::state::Control;
use super::{Conn, io, task, wake};
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;

impl Conn {
    /// Stops reading, or has it go on from [`read_on`](Self::read_on).
    pub fn set_paused(&self, paused: bool) {
        let mut control = crate::lock(&self.control);
        control.resuming = !paused;
        control.paused = paused;
    }

    /// The turn has begun from which a connection is read that was resumed.
    pub fn read_on(&self) {
        let mut control = crate::lock(&self.control);
        control.resuming = false;
        let waker = control.release();
        drop(control);
        wake(waker);
    }

    /// The delivery of a packet was consumed: everything in it was told.
    pub fn consume(&self) {
        self.consumed.store(true, Ordering::Relaxed);
        self.release_output();
    }

    /// The packet was dispatched, or is not for now: output need not wait for that.
    pub fn release_output(&self) {
        self.telling.store(false, Ordering::Relaxed);
        if self.flush_due.load(Ordering::Relaxed) {
            self.flush_due.store(false, Ordering::Relaxed);
            let waker = crate::lock(&self.control).waker.take();
            wake(waker);
        }
    }

    /// On the JavaScript thread: whether output has to wait for the dispatch of a packet. Then
    /// [`release_output`](Self::release_output) wakes the task.
    pub(super) fn output_waits(&self) -> bool {
        let waits = self.telling.load(Ordering::Relaxed);
        self.flush_due.store(waits, Ordering::Relaxed);
        waits
    }

    /// The next packet may be read.
    pub fn acknowledge(self: &Arc<Self>) {
        self.consumed.store(false, Ordering::Relaxed);
        self.release_output();
        let mut control = crate::lock(&self.control);
        control.outstanding = false;
        let waker = control.release();
        self.tell_lost_output(control);
        wake(waker);
    }

    /// Tells of output that is lost, if nothing is read that could meet the error which was kept for that.
    pub(super) fn tell_lost_output(self: &Arc<Self>, mut control: MutexGuard<'_, Control>) {
        if control.kept_error.is_none() {
            return;
        }
        let notice = control.outcome_of_writing(false);
        drop(control);
        if let Some(notice) = notice {
            self.deliver(Kind::Notice, notice);
        }
    }

    /// The delivery of a packet was consumed behind which there is a hang-up: the end is delivered
    /// next. False if nothing is to be read by now, so that reading finds what there is later.
    pub fn hang_up(self: &Arc<Self>) -> bool {
        task::hang_up(self)
    }

    /// A reactor tells of FIN, a hang-up or an error.
    pub(super) fn note_closed(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether bytes are on their way to JavaScript, or are being dispatched. FIN alone is none.
    pub fn has_bytes_coming(&self) -> bool {
        let control = crate::lock(&self.control);
        control.has_bytes && self.is_coming(&control)
    }

    pub(super) fn is_coming(&self, control: &Control) -> bool {
        control.outstanding && !self.consumed.load(Ordering::Relaxed)
    }

    /// Where libuv takes a hang-up for FIN: looks for one behind the packet that is dispatched next.
    /// Then the end follows in the same turn.
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
