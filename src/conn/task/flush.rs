//! Leftover output: sent as far as the kernel takes it.

use std::io::ErrorKind;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Task;
use crate::conn::delivery::Kind;
use crate::conn::state::{Control, Shutdown};
use crate::conn::{Conn, io};
use crate::record::{Records, SHUTDOWN, SOCKET_ERROR, SYSCALL_WRITE, WRITTEN};

impl Task {
    /// Sends what is in the outbox, as far as the kernel takes it; then FIN, if wanted.
    pub(super) fn flush(
        &mut self,
        conn: &Arc<Conn>,
        fd: RawFd,
        cx: &mut Context<'_>,
    ) -> std::io::Result<()> {
        let mut notices = [None, None];
        {
            let mut control = crate::lock(&conn.control);
            let watched = self.watch(fd)?;
            let mut result = loop {
                if control.outbox.is_empty() {
                    break Ok(());
                }
                let mut ready = match watched.poll_write_ready(cx) {
                    Poll::Ready(ready) => ready?,
                    Poll::Pending => return Ok(()),
                };
                match send_some(&mut control) {
                    Ok(()) => {}
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
                let awaited = control.write_awaited;
                control.keep_error(errno(&result) as i32, awaited);
            }
            // If the connection is still read, the read comes first, as in libuv, and meets the error or the end.
            let read_tells = control.kept_error.is_some() && control.reads();
            if !read_tells && std::mem::take(&mut control.write_awaited) {
                notices[0] = Some(Records::notice(&[WRITTEN, errno(&result)]));
            } else if !read_tells && let Some(errno) = control.kept_error.take() {
                control.read_done = true;
                let notice = [SOCKET_ERROR, errno as u32, SYSCALL_WRITE];
                notices[0] = Some(Records::notice(&notice));
            }
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

fn send_some(control: &mut Control) -> std::io::Result<()> {
    let count = io::send(control.fd, control.outbox.front().pieces())?;
    control.outbox.advance(count);
    Ok(())
}

fn errno(result: &std::io::Result<()>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(libc::EIO) as u32,
    }
}
