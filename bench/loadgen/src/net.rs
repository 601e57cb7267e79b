//! Non-blocking sockets and an edge-triggered epoll instance.

use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType};

pub struct Event {
    pub token: usize,
    pub readable: bool,
    pub writable: bool,
    /// The peer's FIN has arrived, and all of its bytes before it.
    pub ended: bool,
}

pub struct Poller {
    epoll: OwnedFd,
    raw: Vec<epoll::Event>,
}

impl Poller {
    pub fn new() -> Result<Self, String> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|e| format!("epoll_create: {e}"))?;
        Ok(Self { epoll, raw: Vec::with_capacity(1024) })
    }

    /// Registers for both directions. The registration lasts.
    pub fn add(&self, fd: impl AsFd, token: usize) -> Result<(), Errno> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, fd, EventData::new_u64(token as u64), flags)
    }

    /// Registers for reading only.
    pub fn add_readable(&self, fd: impl AsFd, token: usize) -> Result<(), Errno> {
        epoll::add(&self.epoll, fd, EventData::new_u64(token as u64), EventFlags::IN)
    }

    /// Registers only for the peer's FIN or reset. Bytes that arrive before it cause no event.
    pub fn add_end(&self, fd: impl AsFd, token: usize) -> Result<(), Errno> {
        epoll::add(&self.epoll, fd, EventData::new_u64(token as u64), EventFlags::RDHUP | EventFlags::ET)
    }

    /// Changes such a registration, so that there is an event also when the socket can be written.
    pub fn and_writable(&self, fd: impl AsFd, token: usize) -> Result<(), Errno> {
        let flags = EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::modify(&self.epoll, fd, EventData::new_u64(token as u64), flags)
    }

    /// Waits for events and puts them into `events`. It is empty if `until` has passed.
    pub fn wait(&mut self, events: &mut Vec<Event>, until: Instant) -> Result<(), String> {
        events.clear();
        let left = until.saturating_duration_since(Instant::now());
        // The unit of epoll_wait is the millisecond. Rounding down would make a busy loop.
        let left = Duration::from_millis(left.as_micros().div_ceil(1000) as u64);
        let timeout = left.try_into().map_err(|_| "timeout out of range")?;
        self.raw.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.raw), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(format!("epoll_wait: {e}")),
        }
        for event in &self.raw {
            let (flags, data) = (event.flags, event.data);
            let failed = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            events.push(Event {
                token: data.u64() as usize,
                readable: failed || flags.intersects(EventFlags::IN | EventFlags::RDHUP),
                writable: failed || flags.contains(EventFlags::OUT),
                ended: !failed && flags.contains(EventFlags::RDHUP),
            });
        }
        Ok(())
    }
}

/// Starts to connect. On loopback the handshake is over when this returns, so the caller may write.
pub fn connect(addr: SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let fd = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    rustix::net::sockopt::set_tcp_nodelay(&fd, true)?;
    connect_again(&fd, addr)?;
    Ok(fd)
}

/// Like [`connect`], with a socket that [`hang_up`] has freed.
pub fn connect_again(fd: &OwnedFd, addr: SocketAddr) -> Result<(), Errno> {
    match rustix::net::connect(fd, &addr) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(()),
        Err(e) => Err(e),
    }
}

/// Ends a connection with FIN, as close would, after the peer has ended it. The socket stays registered
/// in the epoll instance and can connect again, from another port.
pub fn hang_up(fd: &OwnedFd) -> Result<(), Errno> {
    rustix::net::shutdown(fd, Shutdown::Write)?;
    rustix::net::connect_unspec(fd)
}

/// The number of bytes read (0 = end), or `None` if there are none at the moment.
pub fn read(fd: &OwnedFd, buffer: &mut [u8]) -> Result<Option<usize>, Errno> {
    match rustix::net::recv(fd, buffer, RecvFlags::empty()) {
        Ok((n, _)) => Ok(Some(n)),
        Err(Errno::AGAIN | Errno::INTR) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The number of bytes written, which is 0 if the socket takes none at the moment.
pub fn write(fd: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    match rustix::net::send(fd, bytes, SendFlags::NOSIGNAL) {
        Ok(n) => Ok(n),
        Err(Errno::AGAIN | Errno::INTR | Errno::NOTCONN) => Ok(0),
        Err(e) => Err(e),
    }
}
