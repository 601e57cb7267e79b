//! Flow control: when the next packet is read, and whether the end is behind a packet.

use std::sync::Arc;

use super::delivery::{Behind, Kind};
use super::state::Control;
use super::{Conn, io, task, wake};
use crate::sync::MutexGuard;
use crate::sync::atomic::Ordering;

impl Conn {
    /// Stops reading, or lets it go on at the next [`read_on`](Self::read_on).
    pub fn set_paused(&self, paused: bool) {
        let mut control = crate::lock(&self.control);
        control.resuming = !paused;
        control.paused = paused;
    }

    /// A turn begins, and a connection that was resumed is read again.
    pub fn read_on(&self) {
        let mut control = crate::lock(&self.control);
        control.resuming = false;
        let waker = control.release();
        drop(control);
        wake(waker);
    }

    /// Notes that everything in a packet was dispatched.
    pub fn consume(&self) {
        self.consumed.store(true, Ordering::Relaxed);
        self.release_output();
    }

    /// Lets output go on that waits for a packet, because the packet was dispatched or is held back.
    pub fn release_output(&self) {
        self.telling.store(false, Ordering::Relaxed);
        if self.flush_due.load(Ordering::Relaxed) {
            self.flush_due.store(false, Ordering::Relaxed);
            let waker = crate::lock(&self.control).waker.take();
            wake(waker);
        }
    }

    /// Whether output has to wait until a packet is dispatched. Then [`release_output`](Self::release_output) wakes the
    /// task. It is called on the JavaScript thread only.
    pub(super) fn output_waits(&self) -> bool {
        let waits = self.telling.load(Ordering::Relaxed);
        self.flush_due.store(waits, Ordering::Relaxed);
        waits
    }

    /// Lets the next packet be read.
    pub fn acknowledge(self: &Arc<Self>) {
        self.consumed.store(false, Ordering::Relaxed);
        self.release_output();
        let mut control = crate::lock(&self.control);
        control.outstanding = false;
        let waker = control.release();
        self.tell_lost_output(control);
        wake(waker);
    }

    /// Reports output that is lost. It is called when no read follows that would meet the kept error.
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

    /// Delivers the end, after a packet with a hang-up behind it. Returns false if nothing may be read at the moment;
    /// then a later read finds the end.
    pub fn hang_up(self: &Arc<Self>) -> bool {
        task::hang_up(self)
    }

    /// Notes that a reactor has reported FIN, a hang-up or an error.
    pub(super) fn note_closed(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether bytes are on their way to JavaScript, or are being dispatched. FIN alone does not count.
    pub fn has_bytes_coming(&self) -> bool {
        let control = crate::lock(&self.control);
        control.has_bytes && self.is_coming(&control)
    }

    pub(super) fn is_coming(&self, control: &Control) -> bool {
        control.outstanding && !self.consumed.load(Ordering::Relaxed)
    }

    /// Looks for a hang-up behind the packet that is dispatched next, if this version of libuv takes a hang-up for FIN.
    /// If there is one, the end follows in the same turn.
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

    /// Takes the number of bytes that were read and not reported.
    pub fn take_bytes_read(&self) -> u32 {
        std::mem::take(&mut crate::lock(&self.read).bytes)
    }

    /// Whether nothing was read.
    pub fn is_fresh(&self) -> bool {
        !crate::lock(&self.read).begun
    }
}
