//! Accepts connections, in the accept_thread.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::Interest;

use crate::conn::address::{self, Bound, End};
use crate::conn::delivery::Delivery;
use crate::conn::{Conn, Core, io as sys};
use crate::observe::store::{Bound as Limit, Exceeded};
use crate::record::{ACCEPT_ERROR, DROPPED, Records};
use crate::server::Server;
use crate::sync::{self, AsyncFd, Mutex};

/// How many connections are accepted before other tasks of the accept thread run.
const BURST: u32 = 64;

/// How long accepting pauses when descriptors or memory have run out.
const STARVED_PAUSE: Duration = Duration::from_millis(50);

/// A listening descriptor.
pub struct Listener {
    core: Arc<Core>,
    server: Arc<Server>,
    /// It is under a lock, because the JavaScript thread may close it while the accept thread accepts.
    state: Mutex<State>,
    tcp: bool,
    bound: Bound,
}

struct State {
    /// None once closed.
    fd: Option<AsyncFd<OwnedFd>>,
    waker: Option<Waker>,
}

enum Turn {
    Accepted(OwnedFd, Option<SocketAddr>),
    Yield,
    /// No descriptor or no memory is left.
    Starved(io::Error),
    Failed(io::Error),
    Closed,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("server", &self.server.id)
            .finish_non_exhaustive()
    }
}

impl Listener {
    /// Listens on a duplicate of `fd`, a bound stream socket.
    pub fn open(
        core: &Arc<Core>,
        server: &Arc<Server>,
        fd: RawFd,
        backlog: i32,
    ) -> io::Result<Arc<Listener>> {
        let fd = sys::duplicate(fd)?;
        sys::set_nonblocking(fd.as_raw_fd())?;
        sys::listen(fd.as_raw_fd(), backlog)?;
        let local = address::end(fd.as_raw_fd(), End::Local);
        Listener::on(core, server, fd, local)
    }

    /// Accepts from a listening descriptor until [`close`](Self::close). `local` is its Internet address.
    pub fn on(
        core: &Arc<Core>,
        server: &Arc<Server>,
        fd: OwnedFd,
        local: Option<SocketAddr>,
    ) -> io::Result<Arc<Listener>> {
        let accept_thread = core.enter()?;
        let registered = {
            let _context = accept_thread.enter();
            // SAFETY: the AsyncFd owns the descriptor, so it is open for as long as that lives.
            unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }
        };
        let fd = match registered {
            Ok(fd) => fd,
            Err(error) => {
                core.leave();
                return Err(error.into_parts().1);
            }
        };
        let listener = Arc::new(Listener {
            core: core.clone(),
            server: server.clone(),
            state: Mutex::new(State {
                fd: Some(fd),
                waker: None,
            }),
            tcp: local.is_some(),
            bound: server.bound.place(local),
        });
        accept_thread.spawn(run(Entered(listener.clone())));
        Ok(listener)
    }

    /// Stops listening. The descriptor is closed when this returns.
    pub fn close(&self) {
        let mut state = crate::lock(&self.state);
        state.fd = None;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll_turn(&self, cx: &mut Context<'_>, accepted: &mut u32) -> Poll<Turn> {
        let mut state = crate::lock(&self.state);
        let state = &mut *state;
        let Some(fd) = &state.fd else {
            return Poll::Ready(Turn::Closed);
        };
        state.waker = Some(cx.waker().clone());
        if self.core.queue.is_full(cx.waker()) {
            return Poll::Pending;
        }
        if *accepted >= BURST {
            *accepted = 0;
            return Poll::Ready(Turn::Yield);
        }
        loop {
            let mut ready = match fd.poll_read_ready(cx) {
                Poll::Ready(Ok(ready)) => ready,
                Poll::Ready(Err(_)) => return Poll::Ready(Turn::Closed),
                Poll::Pending => return Poll::Pending,
            };
            match sys::accept(fd.as_raw_fd()) {
                Ok((fd, peer)) => {
                    *accepted += 1;
                    return Poll::Ready(Turn::Accepted(fd, peer));
                }
                Err(error) => match error.raw_os_error() {
                    Some(libc::EAGAIN) => ready.clear_ready(),
                    Some(libc::ECONNABORTED | libc::EINTR) => {}
                    Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => {
                        return Poll::Ready(Turn::Starved(error));
                    }
                    _ => return Poll::Ready(Turn::Failed(error)),
                },
            }
        }
    }

    fn report(&self, error: &io::Error) {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        self.core.queue.push(Delivery::of_server(
            self.server.id,
            Records::notice(&[ACCEPT_ERROR, errno as u32]),
        ));
    }

    /// Reports a connection that was dropped, with both of its ends.
    fn report_drop(&self, text: Vec<u8>) {
        self.core.queue.push(Delivery::of_server(
            self.server.id,
            Records {
                text,
                ..Records::notice(&[DROPPED])
            },
        ));
    }
}

/// Closes the listener and leaves the engine when the task ends, whatever ended it.
struct Entered(Arc<Listener>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.close();
        self.0.core.leave();
    }
}

/// Accepts until the listener is closed.
async fn run(entered: Entered) {
    let listener = &entered.0;
    let mut accepted = 0;
    // Descriptors have run out, and that was reported.
    let mut starved = false;
    loop {
        let turn = std::future::poll_fn(|cx| listener.poll_turn(cx, &mut accepted)).await;
        match turn {
            Turn::Accepted(fd, peer) => {
                starved = false;
                listener.core.enter_accepted();
                let from = Origin {
                    peer,
                    bound: listener.bound,
                    tcp: listener.tcp,
                };
                let drop = |ends| listener.report_drop(ends);
                if let Some(conn) = admit(&listener.core, &listener.server, fd, from, drop) {
                    sync::spawn(crate::conn::task::Task::accepted(conn));
                }
            }
            Turn::Yield => sync::yield_now().await,
            Turn::Starved(error) => {
                if !std::mem::replace(&mut starved, true) {
                    listener.report(&error);
                }
                sync::sleep(STARVED_PAUSE).await;
            }
            Turn::Failed(error) => {
                listener.report(&error);
                sync::sleep(STARVED_PAUSE).await;
            }
            Turn::Closed => return,
        }
    }
}

/// Takes over a duplicate of a connected descriptor that another process has accepted. Returns both ends, as a DROPPED
/// record has them, if the connection is dropped and JavaScript has to hear of it.
pub fn adopt(core: &Arc<Core>, server: &Arc<Server>, fd: RawFd) -> io::Result<Option<Vec<u8>>> {
    let fd = sys::duplicate(fd)?;
    sys::set_nonblocking(fd.as_raw_fd())?;
    sys::set_no_sigpipe(fd.as_raw_fd())?;
    let local = address::end(fd.as_raw_fd(), End::Local);
    let accept_thread = core.enter()?;
    let from = Origin {
        peer: address::end(fd.as_raw_fd(), End::Peer),
        bound: server.bound.place(local),
        tcp: local.is_some(),
    };
    let mut dropped = None;
    if let Some(conn) = admit(core, server, fd, from, |ends| dropped = Some(ends)) {
        accept_thread.spawn(crate::conn::task::Task::accepted(conn));
    }
    Ok(dropped)
}

/// The two ends of a connection.
struct Origin {
    peer: Option<SocketAddr>,
    bound: Bound,
    tcp: bool,
}

/// Makes a connection from a descriptor, unless the server has reached its limit. The caller has entered the engine for
/// it. `report_drop` gets both ends of a connection that is dropped if JavaScript has to hear of it, before the client
/// can notice.
fn admit(
    core: &Arc<Core>,
    server: &Arc<Server>,
    fd: OwnedFd,
    Origin { peer, bound, tcp }: Origin,
    report_drop: impl FnOnce(Vec<u8>),
) -> Option<Arc<Conn>> {
    let settings = &server.settings;
    let limit = settings.max_connections();
    let open = server.connections.open();
    if limit >= 0 && open >= limit {
        let crowd = Exceeded {
            bound: Limit::MaxConnections,
            value: limit.unsigned_abs(),
            seen: open.unsigned_abs() + 1,
        };
        server.refusals.note_drop(peer, Some(crowd), || {
            let known = server.bound.get(bound);
            known.or_else(|| address::end(fd.as_raw_fd(), End::Local))
        });
        if settings.drop_notice() != 0 {
            report_drop(address::both_ends(fd.as_raw_fd()));
        }
        drop(fd);
        core.leave();
        return None;
    }
    if tcp {
        if settings.no_delay() != 0 {
            let _ = sys::set_no_delay(fd.as_raw_fd(), true);
        }
        if settings.keep_alive() != 0 {
            let delay = u32::try_from(settings.keep_alive_delay()).unwrap_or(0);
            let _ = sys::set_keep_alive(fd.as_raw_fd(), true, delay);
        }
    }
    Some(Conn::open(core, server, fd, peer, bound))
}
