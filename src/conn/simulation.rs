//! Simulated sockets for tests. The test decides what a peer does, what the kernel takes and what a reactor reports,
//! and nothing sleeps. Their descriptors are numbers that no process has.
//!
//! In the crate's own tests, [`io`](super::io), [`watch`](super::watch) and the reactor ask here first. In tests of
//! schedules all threads of a test see the same sockets, and other threads may run before each call.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::task::{Poll, Waker};

use super::watch::Event;

/// The first descriptor of a simulated socket.
const FIRST: RawFd = 1 << 30;

thread_local! {
    /// A short read forgets FIN and errors. It must not: a test checks that the other tests notice.
    static FORGETFUL: Cell<bool> = const { Cell::new(false) };
    static SOCKETS: RefCell<BTreeMap<RawFd, Socket>> = const { RefCell::new(BTreeMap::new()) };
    /// The waker of whoever waits for the JavaScript thread's reactor.
    static EVENT_LOOP: RefCell<Option<Waker>> = const { RefCell::new(None) };
}

/// What a waker waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Read,
    Write,
}

/// What the reactor of a runtime has reported about a descriptor, and who waits for more.
#[derive(Debug, Default)]
struct Said {
    event: Event,
    tick: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Said {
    fn note(&mut self, event: Event) -> [Option<Waker>; 2] {
        self.tick += 1;
        self.event.readable |= event.readable;
        self.event.closed |= event.closed;
        self.event.writable |= event.writable;
        let reader = (event.readable || event.closed).then(|| self.reader.take());
        let writer = event.writable.then(|| self.writer.take());
        [reader.flatten(), writer.flatten()]
    }
}

/// One end of a connection, with its peer.
#[derive(Debug, Default)]
pub struct Socket {
    /// Bytes that have arrived and were not read.
    pub incoming: Vec<u8>,
    pub fin: bool,
    pub rst: bool,
    /// A call has reported the error of the RST. It is reported once.
    told: bool,
    /// How many bytes the kernel takes before it would block.
    pub room: usize,
    /// The bytes that the peer has got.
    pub sent: Vec<u8>,
    pub sent_fin: bool,
    /// The wakers of those who wait for what the peer gets.
    receivers: Vec<Waker>,
    pub closed: bool,
    /// Is called once, after a send that took only a part.
    pub then: Option<fn(&mut Socket)>,
    /// The descriptors of connections that were not accepted yet, if this is a listening socket.
    pub backlog: VecDeque<RawFd>,
    token: Option<usize>,
    said: Option<Said>,
    /// The descriptor that has replaced it, if it was given away.
    successor: Option<RawFd>,
    /// Something has happened that the reactor has not reported yet.
    edge: bool,
}

impl Socket {
    /// Notes that the peer has done something, or that the kernel has room again.
    pub fn stir(&mut self) {
        self.edge = true;
    }

    fn event(&self) -> Event {
        Event {
            readable: !self.incoming.is_empty() || !self.backlog.is_empty() || self.fin || self.rst,
            closed: self.fin || self.rst,
            writable: self.room > 0 || self.rst,
        }
    }

    /// Takes the wakers of those who wait for what has happened.
    fn tell(&mut self) -> Vec<Waker> {
        if !self.edge {
            return Vec::new();
        }
        let event = self.event();
        if let Some(said) = &mut self.said {
            self.edge = false;
            return said.note(event).into_iter().flatten().collect();
        }
        let waiting = self.token.and_then(|_| EVENT_LOOP.take());
        waiting.into_iter().collect()
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
        let all = pieces.concat();
        if self.room == 0 && !all.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = all.len().min(self.room);
        self.room -= count;
        self.sent.extend_from_slice(&all[..count]);
        if count < all.len()
            && let Some(then) = self.then.take()
        {
            then(self);
        }
        Ok(count)
    }
}

/// Makes a new socket.
pub fn open() -> RawFd {
    SOCKETS.with_borrow_mut(|sockets| {
        let fd = sockets.last_key_value().map_or(FIRST, |(fd, _)| fd + 1);
        sockets.insert(fd, Socket::default());
        fd
    })
}

/// Removes all sockets.
pub fn reset(forgetful: bool) {
    SOCKETS.take();
    EVENT_LOOP.take();
    FORGETFUL.set(forgetful);
}

pub fn is_forgetful() -> bool {
    FORGETFUL.get()
}

/// Lets another thread run here.
fn step() {
    #[cfg(feature = "schedules")]
    crate::sync::step();
}

/// Does what the peer does. Returns None if the connection has closed its end.
pub fn peer<T>(fd: RawFd, f: impl FnOnce(&mut Socket) -> T) -> Option<T> {
    step();
    let (result, wakers) = SOCKETS.with_borrow_mut(|sockets| {
        let mut fd = fd;
        while let Some(successor) = sockets.get(&fd)?.successor {
            fd = successor;
        }
        let socket = sockets.get_mut(&fd).filter(|socket| !socket.closed)?;
        Some((f(socket), socket.tell()))
    })?;
    for waker in wakers {
        waker.wake();
    }
    Some(result)
}

/// Does what the connection does. Returns None if the descriptor is not simulated.
fn with<T>(fd: RawFd, f: impl FnOnce(&mut Socket) -> T) -> Option<T> {
    if fd < FIRST {
        return None;
    }
    step();
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
    with(fd, |socket| {
        assert!(
            socket.successor.is_none(),
            "descriptor {fd} is read after it was given away"
        );
        socket.recv(buffers)
    })
}

pub fn send(fd: RawFd, pieces: &[&[u8]]) -> Option<Result<usize>> {
    let result = with(fd, |socket| socket.send(pieces));
    tell_receiver(fd);
    result
}

pub fn shutdown(fd: RawFd) -> Option<Result<()>> {
    let result = with(fd, |socket| {
        if socket.rst {
            return Err(Error::from_raw_os_error(libc::ENOTCONN));
        }
        assert!(!socket.sent_fin, "FIN is sent twice");
        socket.sent_fin = true;
        Ok(())
    });
    tell_receiver(fd);
    result
}

fn tell_receiver(fd: RawFd) {
    let receivers = SOCKETS.with_borrow_mut(|sockets| {
        let socket = sockets.get_mut(&fd);
        socket.map(|socket| std::mem::take(&mut socket.receivers))
    });
    for receiver in receivers.into_iter().flatten() {
        receiver.wake();
    }
}

pub fn has_left(fd: RawFd) -> Option<bool> {
    with(fd, |socket| socket.rst || socket.fin)
}

pub fn has_unread(fd: RawFd) -> Option<bool> {
    with(fd, |socket| !socket.incoming.is_empty())
}

pub fn has_hung_up(fd: RawFd) -> Option<bool> {
    with(fd, |socket| {
        let is_over = socket.rst || socket.fin && socket.sent_fin;
        is_over && socket.incoming.is_empty()
    })
}

pub fn close(fd: RawFd) -> Option<()> {
    let result = with(fd, |socket| {
        socket.closed = true;
        socket.token = None;
    });
    tell_receiver(fd);
    result
}

/// Returns None if the descriptor is simulated. Then the peer gets the bytes at once, because there is no accept thread to send
/// them.
pub fn linger(fd: OwnedFd, bytes: &[u8]) -> Option<OwnedFd> {
    if fd.as_raw_fd() < FIRST {
        return Some(fd);
    }
    let fd = fd.into_raw_fd();
    with(fd, |socket| socket.sent.extend_from_slice(bytes));
    close(fd);
    None
}

/// Makes the reactor report again.
pub fn stir(fd: RawFd) -> Option<()> {
    let wakers = with(fd, |socket| {
        socket.stir();
        socket.tell()
    })?;
    for waker in wakers {
        waker.wake();
    }
    Some(())
}

/// Registers a socket with the JavaScript thread's reactor, which then reports what is there already.
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
    with(fd, |socket| {
        socket.token = None;
        socket.said = None;
    })
}

/// Registers a socket with the reactor of a runtime, in the same way.
pub fn register_with_runtime(fd: RawFd) -> Option<()> {
    with(fd, |socket| {
        assert!(
            socket.token.is_none() && socket.said.is_none(),
            "descriptor {fd} is registered twice"
        );
        let mut said = Said::default();
        said.note(socket.event());
        socket.said = Some(said);
        socket.edge = false;
    })
}

/// If the socket is ready: the number of the last report, and whether the end is behind the bytes.
pub fn poll_ready(fd: RawFd, direction: Direction, waker: &Waker) -> Poll<(u64, bool)> {
    with(fd, |socket| {
        let said = socket.said.as_mut().expect("it is registered");
        let (ready, waiting) = match direction {
            Direction::Read => (said.event.readable || said.event.closed, &mut said.reader),
            Direction::Write => (said.event.writable, &mut said.writer),
        };
        if !ready {
            *waiting = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready((said.tick, said.event.closed))
    })
    .expect("a simulated socket")
}

/// Takes back what was reported up to this tick, as tokio does. The closed state stays.
pub fn clear_ready(fd: RawFd, direction: Direction, tick: u64) {
    with(fd, |socket| {
        if let Some(said) = socket.said.as_mut().filter(|said| said.tick == tick) {
            match direction {
                Direction::Read => said.event.readable = false,
                Direction::Write => said.event.writable = false,
            }
        }
    });
}

/// Wakes the waker when the JavaScript thread's reactor has something to report, unless it has already.
pub fn await_events(waker: Waker) -> bool {
    SOCKETS.with_borrow(|sockets| {
        let told = |socket: &Socket| {
            let event = socket.event();
            socket.token.is_some()
                && socket.edge
                && (event.readable || event.closed || event.writable)
        };
        if sockets.values().any(told) {
            return true;
        }
        EVENT_LOOP.set(Some(waker));
        false
    })
}

/// Accepts the next connection of a listening socket.
pub fn accept(fd: RawFd) -> Option<Result<(OwnedFd, Option<std::net::SocketAddr>)>> {
    with(fd, |socket| match socket.backlog.pop_front() {
        // SAFETY: nobody owns the number, and the connection takes it out again at once.
        Some(fd) => Ok((unsafe { OwnedFd::from_raw_fd(fd) }, None)),
        None => Err(ErrorKind::WouldBlock.into()),
    })
}

/// Gives the socket another descriptor.
pub fn duplicate(fd: RawFd) -> Option<Result<OwnedFd>> {
    if fd < FIRST {
        return None;
    }
    let new = open();
    with(fd, |socket| {
        socket.successor = Some(new);
        Socket {
            incoming: std::mem::take(&mut socket.incoming),
            sent: std::mem::take(&mut socket.sent),
            fin: socket.fin,
            rst: socket.rst,
            told: socket.told,
            room: socket.room,
            sent_fin: socket.sent_fin,
            ..Socket::default()
        }
    })
    .map(|given| {
        SOCKETS.with_borrow_mut(|sockets| sockets.insert(new, given));
        // SAFETY: as above.
        Ok(unsafe { OwnedFd::from_raw_fd(new) })
    })
}

/// Takes what the reactor has to report. It reports each thing once.
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

/// Whether the peer has got so many bytes, or the end. If not, the waker is woken when it has.
#[cfg(feature = "schedules")]
pub fn received(fd: RawFd, bytes: usize, waker: &Waker) -> bool {
    SOCKETS.with_borrow_mut(|sockets| {
        let socket = sockets.get_mut(&fd).expect("a socket of this thread");
        let received = socket.sent.len() >= bytes || socket.sent_fin || socket.closed;
        if !received {
            socket.receivers.push(waker.clone());
        }
        received
    })
}

/// What the peer has got, and whether FIN was behind it. It works after the connection has closed its end, too.
#[cfg(feature = "schedules")]
pub fn sent(fd: RawFd) -> (Vec<u8>, bool) {
    SOCKETS.with_borrow(|sockets| (sockets[&fd].sent.clone(), sockets[&fd].sent_fin))
}
