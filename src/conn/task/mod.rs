//! The task of one connection. It reads packets, parses and delivers them, sends leftover output, refuses new connections
//! (connections that JavaScript does not know), and finally closes the descriptor.
//!
//! It is a future written by hand, so that an idle connection takes only a few hundred bytes. It starts in the accept_thread.
//! After the first complete head the connection is established, and the task moves to the JavaScript thread or an I/O
//! thread.

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
    /// None until a read has found nothing. Many connections are refused after their first packet, and are never
    /// registered.
    watched: Option<Watch>,
    /// None after the connection has moved to another thread.
    conn: Option<Arc<Conn>>,
    room: Room,
    /// Where a task of the JavaScript thread registers.
    seat: Option<(Arc<Registry>, Token)>,
}

/// How a turn of the task ended.
enum Turn {
    /// There may be more to do at once.
    Again,
    Wait,
    /// The connection moves to the thread that serves established connections.
    Move,
    Close,
}

impl Task {
    /// The task of a connection that was just accepted. It runs in the accept_thread.
    pub fn accepted(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::Accept,
            seat: None,
        }
    }

    /// The task of an established connection on an I/O thread.
    pub fn on_io_thread(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::Io,
            seat: None,
        }
    }

    /// The task of an established connection on the JavaScript thread.
    pub fn on_js_thread(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::JsThread,
            seat: None,
        }
    }

    /// Whether only the descriptor is left to be closed. Dropping the task closes it.
    pub fn is_over(&self) -> bool {
        self.conn
            .as_ref()
            .is_none_or(|conn| !crate::lock(&conn.control).is_open())
    }

    /// Whether FIN was sent, so that the connection is only read to its end.
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
        // If FIN was sent after the first packet, the peer has often answered with its own FIN by now. So the
        // descriptor is read before it is registered.
        if !self.is_refused() {
            // The reactor reports in the next turn whether there is something to read. After a full packet there is.
            let readable = crate::lock(&conn.read).full;
            if let Ok(watch) = self.watch(fd) {
                watch.note(Event {
                    readable,
                    ..Event::default()
                });
            }
        }
    }

    /// Notes an event of the JavaScript thread's reactor.
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

    /// Whether there is nothing to do until the JavaScript thread's reactor reports an event. The reactor then runs the
    /// task.
    fn has_to_wait(&self) -> bool {
        self.watched.as_ref().is_some_and(Watch::is_quiet)
    }

    /// Runs until there is nothing to do, as `poll` does. A panic ends only this connection.
    pub fn run(&mut self, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Poll<()> {
        // It is taken out meanwhile, because counting it once more would cost as much as a lock.
        let Some(conn) = self.conn.take() else {
            return Poll::Ready(());
        };
        let result = catch_unwind(AssertUnwindSafe(|| self.turns(&conn, cx, supply)));
        self.conn = Some(conn);
        match result {
            Ok(turn) => self.finish(&turn),
            Err(_) => self.recover(),
        }
    }

    fn turns(&mut self, conn: &Arc<Conn>, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Turn {
        loop {
            let turn = self.turn(conn, cx, supply);
            if !matches!(turn, Turn::Again) || self.has_to_wait() {
                return turn;
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

    /// Called after a panic. The connection fails as if reading had failed. If that panics, too, it is closed.
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
            // A connection that JavaScript knows is read on the JavaScript thread.
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
        // libuv sends after it has read and reported what it read. So an error that both would meet is one of reading.
        // An I/O thread does not wait for handlers.
        let flushes = has_output && !(self.room == Room::JsThread && conn.output_waits());
        match turn {
            Turn::Again | Turn::Wait if flushes && self.flush(conn, fd, cx).is_err() => Turn::Close,
            turn => turn,
        }
    }
}

/// Passes a connection on to the thread that serves established connections.
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
