//! A TCP socket on loopback, with options that the standard library does not offer.

use std::io;
use std::mem::size_of;
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

pub struct Socket(TcpStream);

impl Socket {
    /// Connects, and makes the socket non-blocking. Zero leaves the receive buffer or the segment size as it is.
    pub fn connect(port: u16, receive_buffer: u32, segment: u32) -> io::Result<Self> {
        // SAFETY: socket(2) takes no pointers.
        let fd = check(unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) })?;
        // SAFETY: the descriptor was just made and has no other owner.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        if receive_buffer != 0 {
            set(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, receive_buffer)?;
        }
        if segment != 0 {
            set(fd, libc::IPPROTO_TCP, libc::TCP_MAXSEG, segment)?;
        }
        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be() },
            sin_zero: [0; 8],
        };
        let length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
        // SAFETY: the address is a sockaddr_in of that length, and outlives the call.
        check(unsafe { libc::connect(fd, (&raw const address).cast(), length) })?;
        let stream = TcpStream::from(owned);
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }

    pub fn local_port(&self) -> io::Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    pub fn send(&self, bytes: &[u8], more: bool) -> io::Result<usize> {
        let flags = libc::MSG_NOSIGNAL | if more { libc::MSG_MORE } else { 0 };
        // SAFETY: the pointer and the length are those of one slice.
        let sent = unsafe { libc::send(self.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    }

    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        io::Read::read(&mut &self.0, buffer)
    }

    /// The number of bytes that can be read.
    pub fn unread(&self) -> u64 {
        let mut count: libc::c_int = 0;
        // SAFETY: the pointer is to one number. On a socket this cannot fail.
        unsafe { libc::ioctl(self.as_raw_fd(), libc::FIONREAD, &raw mut count) };
        u64::try_from(count).unwrap_or(0)
    }

    /// A failure means that the connection is gone, which the next read reports, too.
    pub fn shutdown(&self) {
        let _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// Makes close send RST. This cannot fail on a socket.
    pub fn reset_on_close(&self) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        let _ = set(self.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, linger);
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Calls poll(2) with the timeout 0.
pub fn poll(polled: &mut [libc::pollfd]) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of one slice.
    check(unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, 0) })?;
    Ok(())
}

/// Sets an option of a socket. `T` is the C type of the value.
fn set<T: Copy>(fd: RawFd, level: i32, option: i32, value: T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: the value is readable for its size, and outlives the call.
    check(unsafe { libc::setsockopt(fd, level, option, (&raw const value).cast(), length) })?;
    Ok(())
}

fn check(result: i32) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
