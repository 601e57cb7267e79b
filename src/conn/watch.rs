//! The readiness of a connection's descriptor. It comes from the reactor of a tokio runtime, or from the reactor of the
//! JavaScript thread.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::task::{Context, Poll};

use mio::unix::SourceFd;
use mio::{Registry, Token};
use tokio::io::Interest;

use crate::sync::{AsyncFd, AsyncFdReadyGuard};

/// A descriptor. Its owner closes it after this is dropped.
#[derive(Debug)]
pub struct Fd(RawFd);

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// The registration of a descriptor with a reactor. It has to be dropped before the descriptor is closed.
#[derive(Debug)]
pub enum Watch {
    /// With the reactor of a tokio runtime.
    Runtime(AsyncFd<Fd>),
    /// With the reactor of the JavaScript thread.
    JsThread(FdReadiness),
}

const INTEREST: mio::Interest = mio::Interest::READABLE.add(mio::Interest::WRITABLE);

/// The descriptor is ready to read or to write, until the kernel has no more bytes or no more room.
#[derive(Debug)]
pub enum Ready<'a> {
    /// As a tokio runtime reports it.
    Runtime(AsyncFdReadyGuard<'a, Fd>),
    /// For reading, on the JavaScript thread.
    Reading(&'a FdReadiness),
    /// For writing, on the JavaScript thread.
    Writing(&'a FdReadiness),
}

/// An event of a reactor.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event {
    /// There are bytes.
    pub readable: bool,
    /// There is FIN, a hang-up or an error, behind the bytes if there are any.
    pub closed: bool,
    /// There is room to send.
    pub writable: bool,
}

/// What the reactor of the JavaScript thread has reported about a descriptor. The kernel reports each thing once, and
/// only while the reactor is polled. That happens on this thread, so nothing new is reported between a read and the
/// change of this state.
#[derive(Debug)]
pub struct FdReadiness {
    fd: RawFd,
    registry: Arc<Registry>,
    token: Token,
    registered: Cell<bool>,
    readable: Cell<bool>,
    closed: Cell<bool>,
    writable: Cell<bool>,
}

impl Watch {
    /// Registers with the reactor of the current thread's runtime.
    pub fn runtime(fd: RawFd) -> io::Result<Watch> {
        // SAFETY: this is dropped before the descriptor is closed.
        unsafe { AsyncFd::register_with_interest(Fd(fd), Interest::READABLE | Interest::WRITABLE) }
            .map(Watch::Runtime)
            .map_err(|error| error.into_parts().1)
    }

    /// Registers with the JavaScript thread's reactor.
    pub fn js_thread(fd: RawFd, registry: &Arc<Registry>, token: Token) -> io::Result<Watch> {
        #[cfg(test)]
        let simulated = super::simulation::register(fd, token.0).is_some();
        #[cfg(not(test))]
        let simulated = false;
        if !simulated {
            registry.register(&mut SourceFd(&fd), token, INTEREST)?;
        }
        Ok(Watch::JsThread(FdReadiness {
            fd,
            registry: registry.clone(),
            token,
            registered: Cell::new(true),
            readable: Cell::new(false),
            closed: Cell::new(false),
            // It usually is. If not, a send finds out.
            writable: Cell::new(true),
        }))
    }

    /// Leaves out the system call that removes the descriptor from the reactor, because `close` removes it, too. Nobody
    /// else has the descriptor, except a child process that is about to call exec. An event that comes too late only
    /// costs a useless read.
    pub fn expect_close(&self) {
        if let Watch::JsThread(seat) = self {
            seat.registered.set(false);
        }
    }

    /// Notes an event of the JavaScript thread's reactor.
    pub fn note(&self, event: Event) {
        if let Watch::JsThread(seat) = self {
            seat.readable.set(event.readable || seat.readable.get());
            seat.closed.set(event.closed || seat.closed.get());
            seat.writable.set(event.writable || seat.writable.get());
        }
    }

    /// Whether nothing is known to be there to read. Only the JavaScript thread's reactor can say so; tokio has to be
    /// asked with a waker.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Watch::JsThread(seat) if !seat.may_read())
    }

    /// Whether there may be something to read. An error means that nothing more will be reported.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready<'_>>> {
        match self {
            Watch::Runtime(fd) => fd.poll_read_ready(cx).map_ok(Ready::Runtime),
            Watch::JsThread(seat) if seat.may_read() => Poll::Ready(Ok(Ready::Reading(seat))),
            // The reactor runs the task when that changes.
            Watch::JsThread(_) => Poll::Pending,
        }
    }

    /// Whether there may be room to send. An error means that nothing more will be reported.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready<'_>>> {
        match self {
            Watch::Runtime(fd) => fd.poll_write_ready(cx).map_ok(Ready::Runtime),
            Watch::JsThread(seat) if seat.writable.get() => Poll::Ready(Ok(Ready::Writing(seat))),
            Watch::JsThread(_) => Poll::Pending,
        }
    }

    /// Makes the task try to write again after other tasks have run. It is for the case that the kernel has room and
    /// still did not take everything, so that no event will come.
    pub fn write_later(&self, cx: &mut Context<'_>) {
        match self {
            Watch::Runtime(_) => cx.waker().wake_by_ref(),
            Watch::JsThread(seat) => {
                seat.writable.set(false);
                #[cfg(test)]
                if super::simulation::stir(seat.fd).is_some() {
                    return;
                }
                // The reactor then reports again what is ready. This does not fail for an open descriptor.
                let fd = &mut SourceFd(&seat.fd);
                let _ = seat.registry.reregister(fd, seat.token, INTEREST);
            }
        }
    }
}

impl FdReadiness {
    fn may_read(&self) -> bool {
        self.readable.get() || self.closed.get()
    }
}

impl Drop for FdReadiness {
    fn drop(&mut self) {
        if self.registered.get() {
            #[cfg(test)]
            if super::simulation::deregister(self.fd).is_some() {
                return;
            }
            let _ = self.registry.deregister(&mut SourceFd(&self.fd));
        }
    }
}

impl Ready<'_> {
    /// Notes that all bytes were read. A report of FIN or an error still holds: the kernel makes it only once, often
    /// together with the last bytes.
    pub fn emptied(&mut self) {
        match self {
            // tokio keeps the closed state.
            Ready::Runtime(guard) => guard.clear_ready(),
            Ready::Reading(seat) => {
                seat.readable.set(false);
                #[cfg(test)]
                if super::simulation::is_forgetful() {
                    seat.closed.set(false);
                }
            }
            Ready::Writing(_) => {}
        }
    }

    /// Whether FIN, a hang-up or an error is behind the bytes.
    pub fn is_closed(&self) -> bool {
        match self {
            Ready::Runtime(guard) => guard.ready().is_read_closed(),
            Ready::Reading(seat) => seat.closed.get(),
            Ready::Writing(_) => false,
        }
    }

    /// Notes that a call would have blocked: there is nothing at all to read, or no room to write.
    pub fn exhausted(&mut self) {
        match self {
            Ready::Runtime(guard) => guard.clear_ready(),
            Ready::Reading(seat) => {
                seat.readable.set(false);
                seat.closed.set(false);
            }
            Ready::Writing(seat) => seat.writable.set(false),
        }
    }
}
