//! macOS, iOS and the other systems of Apple.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::{check, set_nonblocking, set_option};
use crate::conn::address::Name;

/// There is no `MSG_NOSIGNAL`; the option `SO_NOSIGPIPE` has the same effect.
pub const SEND_FLAGS: libc::c_int = libc::MSG_DONTWAIT;

/// There is no flag that holds a segment back, so FIN leaves in a segment of its own.
pub const FIN_FOLLOWS: libc::c_int = 0;

/// Whether writev(2) of no bytes fails if the peer has left.
pub const EMPTY_WRITEV_FAILS: bool = true;

/// The option that has the seconds of silence before the first keep-alive probe.
pub const TCP_KEEPIDLE: libc::c_int = libc::TCP_KEEPALIVE;

/// Takes a connection from the backlog. If no descriptor is left, the kernel drops the connection, so that it cannot be
/// accepted later.
///
/// If another thread forks between the two calls, the child inherits the descriptor. This system has no call that does
/// both at once.
pub fn accept(fd: RawFd) -> Result<(OwnedFd, Option<SocketAddr>)> {
    let mut peer = Name::default();
    let (address, length) = peer.room();
    // SAFETY: the pointers are to room for an address and its length; the result is a descriptor of
    // our own.
    let accepted =
        unsafe { check(libc::accept(fd, address, length)).map(|fd| OwnedFd::from_raw_fd(fd))? };
    // SAFETY: no memory is involved.
    check(unsafe { libc::fcntl(accepted.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
    set_nonblocking(accepted.as_raw_fd())?;
    set_no_sigpipe(accepted.as_raw_fd())?;
    Ok((accepted, peer.address()))
}

/// Makes a write to a connection that has gone fail without a signal.
pub fn set_no_sigpipe(fd: RawFd) -> Result<()> {
    match set_option(fd, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, 1) {
        // The connection was reset already. Writes to it fail without a signal.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        result => result,
    }
}

/// The error that is reported for a failed send. The kernel gives EPROTOTYPE if the peer is closing the connection at
/// that moment. As in libuv, that becomes ECONNRESET.
pub fn send_error(error: Error) -> Error {
    match error.raw_os_error() {
        Some(libc::EPROTOTYPE) => Error::from_raw_os_error(libc::ECONNRESET),
        _ => error,
    }
}

/// Whether the peer has sent FIN or RST. `poll` reports that only if it is asked for reading.
pub fn has_left(fd: RawFd) -> bool {
    super::poll(fd, libc::POLLIN) & libc::POLLHUP != 0
}

/// Always false: kqueue does not report a hang-up to libuv.
pub fn has_hung_up(_fd: RawFd) -> bool {
    false
}

/// Does nothing, because nothing is held back.
pub fn uncork(_fd: RawFd) {}
