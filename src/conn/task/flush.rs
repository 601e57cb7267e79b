//! Sends leftover output, as far as the kernel takes it.

use std::io::ErrorKind;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{Room, Task};
use crate::conn::delivery::Kind;
use crate::conn::state::{Control, Shutdown};
use crate::conn::{Conn, io};
use crate::record::{Records, SHUTDOWN};
use crate::sync::atomic::Ordering;

impl Task {
    /// Sends what is in the outbox, as far as the kernel takes it. Then it sends FIN, if that is wanted.
    pub(super) fn flush(
        &mut self,
        conn: &Arc<Conn>,
        fd: RawFd,
        cx: &mut Context<'_>,
    ) -> std::io::Result<()> {
        // The kernel had no room at the last try. An event reports when it has.
        let is_full = self.room == Room::JsThread && conn.full.load(Ordering::Relaxed);
        let asked = crate::lock(&conn.read).asked;
        let hang_up_ends = conn.server.settings.hang_up_ends() != 0;
        let mut notices = [None, None];
        {
            let mut control = crate::lock(&conn.control);
            let watched = self.watch(fd)?;
            let mut result = loop {
                if control.outbox.is_empty() && control.blanks == 0 {
                    break Ok(());
                }
                if is_full {
                    return Ok(());
                }
                if control.outbox.is_empty() && !control.blank_due {
                    control.blank_due = true;
                    watched.write_later(cx);
                    return Ok(());
                }
                let mut ready = match watched.poll_write_ready(cx) {
                    Poll::Ready(ready) => ready?,
                    Poll::Pending => return Ok(()),
                };
                match send_some(&mut control) {
                    Ok(true) => {}
                    // libuv offers the rest in the next turn. Then there is room, or an error.
                    Ok(false) => {
                        watched.write_later(cx);
                        return Ok(());
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => ready.exhausted(),
                    Err(error) if io::is_out_of_buffers(&error) => {
                        watched.write_later(cx);
                        return Ok(());
                    }
                    Err(error) => break Err(error),
                }
            };
            if result.is_err() {
                control.outbox.clear();
                control.blanks = 0;
                let awaited = control.write_awaited;
                control.keep_error(errno(&result) as i32, awaited);
            }
            // In libuv a read comes first, if there is one. It meets the error, or a hang-up that is taken for the end.
            // A read that found a packet, or nothing, has met neither.
            let was_read = match control.outstanding {
                true => !hang_up_ends,
                false => asked || self.room == Room::JsThread && !control.resuming,
            };
            notices[0] = control.outcome_of_writing(was_read);
            if control.shutdown == Shutdown::Wanted {
                control.shutdown = Shutdown::Done;
                result = result.and_then(|()| io::shutdown(fd));
                if std::mem::take(&mut control.shutdown_awaited) {
                    notices[1] = Some(Records::notice(&[SHUTDOWN, errno(&result)]));
                }
            }
        }
        for notice in notices.into_iter().flatten() {
            conn.deliver(Kind::Notice, notice);
        }
        Ok(())
    }
}

/// Offers the first pieces of the outbox to the kernel. Returns whether it took all of them.
fn send_some(control: &mut Control) -> std::io::Result<bool> {
    let front = control.outbox.front();
    let wanted = front.length();
    let count = io::send(control.fd, front.pieces())?;
    if wanted == 0 {
        control.blanks -= 1;
        control.blank_due = false;
    } else {
        control.outbox.advance(count);
    }
    Ok(count == wanted)
}

fn errno(result: &std::io::Result<()>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(libc::EIO) as u32,
    }
}
