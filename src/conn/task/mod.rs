//! The task of one connection: reads packets, parses and delivers them, flushes what is left of
//! writes, refuses new connections, and closes the descriptor in the end.
//!
//! It is a future written by hand, so that an idle connection costs a few hundred bytes. It
//! starts on the accept thread as a new connection; after the first complete head it is established, and moves
//! to the JavaScript thread or an I/O thread.

mod end;
mod flush;
mod parse;
mod read;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use mio::{Registry, Token};

use super::state::Shutdown;
use super::watch::{Event, Watch};
use super::{Conn, Core};
use crate::memory::{Supply, Vecs};
use crate::record::PANICKED;
use crate::sync::atomic::Ordering;
pub use end::hang_up;
use end::{fail, hung_up_end};
pub use parse::decline_upgrade;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Accept,
    Io,
    JsThread,
}

/// The task of one connection.
#[derive(Debug)]
pub struct Task {
    /// None until a read has found nothing. Many new connections are refused after their first packet, and never get one.
    watched: Option<Watch>,
    /// None after moving to another thread.
    conn: Option<Arc<Conn>>,
    room: Room,
    /// Where a task of the JavaScript thread can register.
    seat: Option<(Arc<Registry>, Token)>,
}

/// How a turn of the task ended.
enum Turn {
    /// There may be more to do at once.
    Again,
    Wait,
    /// To where established connections are served.
    Move,
    Close,
}

impl Task {
    /// Of a connection that was just accepted.
    pub fn accepted(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::Accept,
            seat: None,
        }
    }

    /// Of a connection that had a complete head.
    pub fn on_io_thread(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::Io,
            seat: None,
        }
    }

    /// Likewise, for the JavaScript thread.
    pub fn on_js_thread(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::JsThread,
            seat: None,
        }
    }

    /// Whether all that is left is to close the descriptor, which dropping the task does.
    pub fn is_over(&self) -> bool {
        self.conn
            .as_ref()
            .is_none_or(|conn| !crate::lock(&conn.control).is_open())
    }

    /// Whether the connection was sent FIN, and is only to be read to its end.
    pub fn is_refused(&self) -> bool {
        self.conn.as_ref().is_some_and(|conn| {
            let control = crate::lock(&conn.control);
            control.is_open() && matches!(control.shutdown, Shutdown::Due | Shutdown::Done)
        })
    }

    /// Gives a task of the JavaScript thread its place in the reactor. Without one it ends at once.
    pub fn register(&mut self, registry: &Arc<Registry>, token: Token) {
        let Some(conn) = &self.conn else {
            return;
        };
        self.seat = Some((registry.clone(), token));
        conn.seat.store(token.0 as u32, Ordering::Relaxed);
        let fd = crate::lock(&conn.control).fd;
        // A peer that was sent FIN after its first packet has often answered with its own by now. So the
        // descriptor is read before it is registered.
        if !self.is_refused() {
            // The reactor tells in the next turn what there is to read. After a full packet that is
            // known.
            let readable = crate::lock(&conn.read).full;
            if let Ok(watch) = self.watch(fd) {
                watch.note(Event {
                    readable,
                    ..Event::default()
                });
            }
        }
    }

    /// An event from the JavaScript thread's reactor.
    pub fn note(&self, event: Event) {
        if let Some(watch) = &self.watched {
            watch.note(event);
        }
        if event.writable
            && let Some(conn) = &self.conn
        {
            conn.full.store(false, Ordering::Relaxed);
        }
    }

    /// Whether there is nothing to do until the JavaScript thread's reactor tells an event. It runs the task then.
    fn has_to_wait(&self) -> bool {
        self.watched.as_ref().is_some_and(Watch::is_quiet)
    }

    /// Runs until there is nothing to do, as `poll` does. A panic ends only this connection.
    pub fn run(&mut self, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Poll<()> {
        let result = catch_unwind(AssertUnwindSafe(|| self.turns(cx, supply)));
        result.unwrap_or_else(|_| self.recover())
    }

    fn turns(&mut self, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Poll<()> {
        let Some(conn) = self.conn.clone() else {
            return Poll::Ready(());
        };
        loop {
            let turn = self.turn(&conn, cx, supply);
            if !matches!(turn, Turn::Again) || self.has_to_wait() {
                return self.finish(&turn);
            }
        }
    }

    /// Ends the task, if its last turn says so.
    fn finish(&mut self, turn: &Turn) -> Poll<()> {
        match turn {
            Turn::Again | Turn::Wait => return Poll::Pending,
            Turn::Close => {}
            Turn::Move => {
                self.watched = None;
                if let Some(conn) = self.conn.take() {
                    let core = conn.core.clone();
                    settle(&core, conn);
                }
            }
        }
        Poll::Ready(())
    }

    /// After a panic: the connection fails as if reading had. If that panics, too, it is closed.
    fn recover(&mut self) -> Poll<()> {
        let Some(conn) = self.conn.clone() else {
            return Poll::Ready(());
        };
        if conn.panicked.swap(true, Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let turn = fail(
            self.room,
            &conn,
            &mut crate::lock(&conn.read),
            PANICKED as i32,
        );
        self.finish(&turn)
    }

    fn turn(&mut self, conn: &Arc<Conn>, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Turn {
        let (fd, has_output, read_done, may_read, hung_up) = {
            let mut control = crate::lock(&conn.control);
            if !control.is_open() {
                return Turn::Close;
            }
            // What JavaScript knows had better be read where it acts on it.
            if self.room == Room::Accept && control.shown && conn.core.serves_on_js_thread() {
                return Turn::Move;
            }
            control.keep_waker(cx.waker());
            let has_output = control.has_output() || control.has_lost_output();
            (
                control.fd,
                has_output,
                control.read_done,
                control.may_read(),
                control.may_read() && std::mem::take(&mut control.hung_up),
            )
        };
        if has_output {
            crate::lock(&conn.read).asked = false;
        }
        let turn = if read_done {
            Turn::Wait
        } else if hung_up {
            hung_up_end(self.room, conn, &mut crate::lock(&conn.read))
        } else {
            self.read(conn, fd, may_read, cx, supply)
        };
        // After reading and what that leads to, as libuv: an error that both would find is one of reading. An
        // I/O thread does not wait for handlers.
        let flushes = has_output && !(self.room == Room::JsThread && conn.output_waits());
        match turn {
            Turn::Again | Turn::Wait if flushes && self.flush(conn, fd, cx).is_err() => Turn::Close,
            turn => turn,
        }
    }
}

/// Passes an established connection on to where it is served.
fn settle(core: &Core, conn: Arc<Conn>) {
    if core.serves_on_js_thread() {
        core.queue.arrive(Task::on_js_thread(conn));
        return;
    }
    // If the threads are stopping, the task is dropped here, which ends the connection.
    let task = Task::on_io_thread(conn);
    if let Some(io) = core.next_io_thread() {
        io.spawn(task);
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.run(cx, &mut Vecs)
    }
}
