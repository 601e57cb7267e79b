//! The ends of a connection: FIN, an error, a hang-up, and the close of the descriptor.

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;

use super::parse::after_delivery;
use super::{Room, Task, Turn};
use crate::conn::delivery::{Behind, Kind};
use crate::conn::refuse::see;
use crate::conn::state::Fate;
use crate::conn::write::send_deferred;
use crate::conn::{Conn, ReadSide, io, linger};
use crate::http1::{ParseError, Phase};
use crate::memory::Vecs;
use crate::observe::classify;
use crate::observe::kind::CodeNumber;
use crate::record::{CLOSED, PANICKED, Recorder, Records, SOCKET_ERROR, SYSCALL_READ};
use crate::sync::atomic::Ordering;

/// FIN was read.
pub(super) fn end(room: Room, conn: &Arc<Conn>, read: &mut ReadSide) -> Turn {
    let Some(parser) = &mut read.parser else {
        return Turn::Close;
    };
    let mut supply = Vecs;
    let mut recorder = Recorder::new(conn.progress(), &mut supply);
    if parser.phase() == Phase::Silent {
        conn.server.refusals.silent.fetch_add(1, Ordering::Relaxed);
    }
    let verdict = parser.finish(&mut recorder);
    conn.set_progress(recorder.progress);
    {
        let mut control = crate::lock(&conn.control);
        if !control.is_open() {
            return Turn::Close;
        }
        control.read_done = true;
        if verdict.is_ok() && !control.shown {
            // A client has left without a complete request, and without an error. JavaScript never hears of it.
            control.fate = Fate::Closing { reset: false };
            drop(control);
            conn.uncount();
            return Turn::Close;
        }
    }
    let mut records = Records::default();
    if let Err(ParseError { code, reason, .. }) = verdict {
        let number = CodeNumber::of(code);
        let mut seen = see(
            &conn.server,
            Some(parser),
            number,
            Some(reason),
            classify::fin,
        );
        if conn.refuse_new(code, &mut seen, None) {
            return Turn::Close;
        }
        conn.with_fd(|fd| conn.locate(&mut seen, fd));
        records.seen = Some(Box::new(seen));
    }
    records.push_end(verdict, !recorder.records.is_empty());
    conn.deliver_packet(std::mem::take(&mut read.bytes), records, Behind::Nothing);
    conn.tell_lost_output(crate::lock(&conn.control));
    after_delivery(room, conn, false)
}

/// Reading failed.
pub(super) fn fail(room: Room, conn: &Arc<Conn>, read: &mut ReadSide, errno: i32) -> Turn {
    let code = CodeNumber::of_text(io::errno_name(errno));
    let parser = read.parser.as_ref();
    let mut seen = see(&conn.server, parser, code, None, classify::reset);
    if conn.drop_new(errno, &mut seen) {
        return Turn::Close;
    }
    conn.with_fd(|fd| conn.locate(&mut seen, fd));
    {
        let mut control = crate::lock(&conn.control);
        control.read_done = true;
        control.read_error = Some(errno).filter(|&errno| errno != PANICKED as i32);
    }
    let mut records = Records::notice(&[SOCKET_ERROR, errno as u32, SYSCALL_READ]);
    records.seen = Some(Box::new(seen));
    conn.deliver_packet(std::mem::take(&mut read.bytes), records, Behind::Nothing);
    after_delivery(room, conn, false)
}

/// Takes a hang-up for FIN. If deferred output fails, its error comes first, because in Node the write would have met
/// it.
pub(super) fn hung_up_end(room: Room, conn: &Arc<Conn>, read: &mut ReadSide) -> Turn {
    let failed = {
        let mut control = crate::lock(&conn.control);
        let failed = send_deferred(&mut control, false).err();
        if failed.is_none() && !control.write_awaited {
            control.kept_error.take()
        } else {
            failed
        }
    };
    match failed {
        Some(errno) => fail(room, conn, read, errno),
        None => end(room, conn, read),
    }
}

/// Ends the connection as FIN does. It is called on the JavaScript thread. See [`Conn::hang_up`].
pub fn hang_up(conn: &Arc<Conn>) -> bool {
    let mut read = crate::lock(&conn.read);
    {
        let mut control = crate::lock(&conn.control);
        control.hung_up = false;
        if !control.is_open() || !control.reads() {
            conn.tell_lost_output(control);
            return false;
        }
    }
    hung_up_end(Room::JsThread, conn, &mut read);
    true
}

impl Task {
    /// Ends the task of a connection that JavaScript has closed. Returns whether JavaScript knew the connection; then it
    /// hears of the end by this, and not by CLOSED.
    pub fn close(mut self) -> bool {
        self.release(false)
    }

    /// Closes the descriptor and releases the connection. Returns whether JavaScript has to hear of that. CLOSED tells
    /// it, if `tells` is set.
    fn release(&mut self, tells: bool) -> bool {
        // This has to be dropped before the descriptor is closed.
        let watched = self.watched.take();
        let Some(conn) = self.conn.take() else {
            return false;
        };
        let (was, shown, fd, rest) = {
            let mut control = crate::lock(&conn.control);
            let fd = std::mem::replace(&mut control.fd, -1);
            let was = control.fate;
            if was == Fate::Open {
                control.fate = Fate::Closing { reset: false };
            }
            let mut rest = control.outbox.take_deferred();
            if was == (Fate::Closing { reset: true }) {
                let _ = io::set_reset_on_close(fd);
                rest.clear();
            }
            control.waker = None;
            (was, control.shown, fd, rest)
        };
        let lingers = was == (Fate::Closing { reset: false }) && conn.lingers();
        if let Some(watched) = watched
            && was != Fate::Detached
            && rest.is_empty()
            && !lingers
        {
            watched.expect_close();
        }
        if fd >= 0 && rest.is_empty() && !lingers {
            // SAFETY: the connection owns the descriptor. Nobody uses it any more, since `control.fd` is -1 and the
            // reactor has released it.
            unsafe { io::close(fd) };
        } else if fd >= 0 {
            // SAFETY: as above.
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            if rest.is_empty() {
                let ms = conn.server.settings.linger();
                // What cannot be drained is closed at once.
                let _ = linger::drain(&conn.core, fd, u64::try_from(ms).unwrap_or(0));
            } else {
                linger::send(&conn.core, fd, rest);
            }
        }
        conn.server.connections.remove(&conn);
        if was == Fate::Open {
            conn.uncount();
        }
        let is_known = shown && was != Fate::Detached;
        if is_known && tells {
            conn.deliver(Kind::Closed, Records::notice(&[CLOSED]));
        }
        conn.core.leave();
        is_known
    }
}

impl Drop for Task {
    /// The connection has ended, or its thread is stopping.
    fn drop(&mut self) {
        self.release(true);
    }
}
