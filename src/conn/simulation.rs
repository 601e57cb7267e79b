//! Sockets that exist only in a test: what a peer does, what the kernel takes and what a reactor
//! reports is up to the test, and nothing sleeps. Their descriptors are numbers that no process has.
//!
//! [`io`](super::io), [`watch`](super::watch) and the reactor ask here first while the crate's own tests
//! are built, and nowhere else.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};

use super::watch::Event;

/// The first descriptor of a simulated socket.
const FIRST: RawFd = 1 << 30;

thread_local! {
    /// A short read forgets FIN and errors, as it must not: for a test of the tests.
    static FORGETFUL: Cell<bool> = const { Cell::new(false) };
    static SOCKETS: RefCell<BTreeMap<RawFd, Socket>> = const { RefCell::new(BTreeMap::new()) };
}

/// One end of a connection, with its peer.
#[derive(Debug, Default)]
pub struct Socket {
    /// Bytes that have arrived and were not read.
    pub incoming: Vec<u8>,
    pub fin: bool,
    pub rst: bool,
    /// The error of the RST was told by a call: it is told once.
    told: bool,
    /// Bytes that the kernel takes before it would block.
    pub room: usize,
    /// What the peer got.
    pub sent: Vec<u8>,
    pub sent_fin: bool,
    pub closed: bool,
    token: Option<usize>,
    /// Something has happened of which the reactor has not told.
    edge: bool,
}

impl Socket {
    /// The peer has done something, or the kernel has room again.
    pub fn stir(&mut self) {
        self.edge = true;
    }

    fn event(&self) -> Event {
        Event {
            readable: !self.incoming.is_empty() || self.fin || self.rst,
            closed: self.fin || self.rst,
            writable: self.room > 0 || self.rst,
        }
    }

    fn error(&mut self, again: i32) -> Error {
        match std::mem::replace(&mut self.told, true) {
            false => Error::from_raw_os_error(libc::ECONNRESET),
            true => Error::from_raw_os_error(again),
        }
    }

    fn recv(&mut self, buffers: &mut [&mut [u8]]) -> Result<usize> {
        if self.incoming.is_empty() {
            return match (self.fin, self.rst && !self.told) {
                (true, _) => Ok(0),
                (false, true) => Err(self.error(libc::ECONNRESET)),
                (false, false) if self.rst => Ok(0),
                _ => Err(ErrorKind::WouldBlock.into()),
            };
        }
        let mut count = 0;
        for buffer in buffers {
            let part = buffer.len().min(self.incoming.len());
            buffer[..part].copy_from_slice(&self.incoming[..part]);
            self.incoming.drain(..part);
            count += part;
        }
        Ok(count)
    }

    fn send(&mut self, pieces: &[&[u8]]) -> Result<usize> {
        if self.rst {
            return Err(self.error(libc::EPIPE));
        }
        if self.room == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        let all = pieces.concat();
        let count = all.len().min(self.room);
        self.room -= count;
        self.sent.extend_from_slice(&all[..count]);
        Ok(count)
    }
}

/// A new socket.
pub fn open() -> RawFd {
    SOCKETS.with_borrow_mut(|sockets| {
        let fd = sockets.last_key_value().map_or(FIRST, |(fd, _)| fd + 1);
        sockets.insert(fd, Socket::default());
        fd
    })
}

/// Begins anew.
pub fn reset(forgetful: bool) {
    SOCKETS.take();
    FORGETFUL.set(forgetful);
}

pub fn is_forgetful() -> bool {
    FORGETFUL.get()
}

/// What the peer does; None once the connection has closed its end.
pub fn peer<T>(fd: RawFd, f: impl FnOnce(&mut Socket) -> T) -> Option<T> {
    SOCKETS.with_borrow_mut(|sockets| sockets.get_mut(&fd).filter(|socket| !socket.closed).map(f))
}

/// What the connection does; None for other descriptors.
fn with<T>(fd: RawFd, f: impl FnOnce(&mut Socket) -> T) -> Option<T> {
    if fd < FIRST {
        return None;
    }
    SOCKETS.with_borrow_mut(|sockets| {
        let socket = sockets.get_mut(&fd).expect("a socket of this thread");
        assert!(
            !socket.closed,
            "descriptor {fd} is used after it was closed"
        );
        Some(f(socket))
    })
}

pub fn recv(fd: RawFd, buffers: &mut [&mut [u8]]) -> Option<Result<usize>> {
    with(fd, |socket| socket.recv(buffers))
}

pub fn send(fd: RawFd, pieces: &[&[u8]]) -> Option<Result<usize>> {
    with(fd, |socket| socket.send(pieces))
}

pub fn shutdown(fd: RawFd) -> Option<Result<()>> {
    with(fd, |socket| {
        if socket.rst {
            return Err(Error::from_raw_os_error(libc::ENOTCONN));
        }
        assert!(!socket.sent_fin, "FIN is sent twice");
        socket.sent_fin = true;
        Ok(())
    })
}

pub fn is_gone(fd: RawFd) -> Option<bool> {
    with(fd, |socket| socket.rst || socket.fin && socket.sent_fin)
}

pub fn has_unread(fd: RawFd) -> Option<bool> {
    with(fd, |socket| !socket.incoming.is_empty())
}

pub fn has_hung_up(fd: RawFd) -> Option<bool> {
    Some(is_gone(fd)? && with(fd, |socket| socket.incoming.is_empty())?)
}

pub fn close(fd: RawFd) -> Option<()> {
    with(fd, |socket| {
        socket.closed = true;
        socket.token = None;
    })
}

/// None if the descriptor was a simulated one: what lingers does so in the lobby, which is not there.
pub fn linger(fd: OwnedFd) -> Option<OwnedFd> {
    if fd.as_raw_fd() < FIRST {
        return Some(fd);
    }
    close(fd.into_raw_fd());
    None
}

/// A registration reports what is there already.
pub fn register(fd: RawFd, token: usize) -> Option<()> {
    with(fd, |socket| {
        assert!(
            socket.token.is_none(),
            "descriptor {fd} is registered twice"
        );
        socket.token = Some(token);
        socket.edge = true;
    })
}

pub fn deregister(fd: RawFd) -> Option<()> {
    with(fd, |socket| socket.token = None)
}

/// What the reactor has to tell, each thing once.
pub fn events() -> Vec<(usize, Event)> {
    SOCKETS.with_borrow_mut(|sockets| {
        let ready = sockets.values_mut().filter_map(|socket| {
            let token = socket.token.filter(|_| socket.edge)?;
            socket.edge = false;
            let event = socket.event();
            (event.readable || event.closed || event.writable).then_some((token, event))
        });
        ready.collect()
    })
}
