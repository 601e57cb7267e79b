//! macOS and its relatives.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::{check, set_nonblocking, set_option};
use crate::conn::address::Name;

/// `SO_NOSIGPIPE` stands in for the flag that Linux has.
pub const SEND_FLAGS: libc::c_int = libc::MSG_DONTWAIT;

/// No flag holds a segment back: FIN leaves in a segment of its own.
pub const FIN_FOLLOWS: libc::c_int = 0;

/// The option with the seconds of silence before the first probe.
pub const TCP_KEEPIDLE: libc::c_int = libc::TCP_KEEPALIVE;

/// Takes a connection from the backlog. Where no descriptor is left the kernel drops it, so that
/// there is nothing to accept later.
///
/// A process that forks in another thread between the two calls hands the descriptor to its child;
/// no call of this system does both at once.
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

/// Makes writes to a connection that has gone away errors, and no signal.
pub fn set_no_sigpipe(fd: RawFd) -> Result<()> {
    match set_option(fd, libc::SOL_SOCKET, libc::SO_NOSIGPIPE, 1) {
        // Said of a connection that has been reset already: writes to it fail without a signal.
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(()),
        result => result,
    }
}

/// What a failed send is told as. The kernel says EPROTOTYPE of a socket that the peer is closing at
/// that moment; libuv makes the same of it.
pub fn send_error(error: Error) -> Error {
    match error.raw_os_error() {
        Some(libc::EPROTOTYPE) => Error::from_raw_os_error(libc::ECONNRESET),
        _ => error,
    }
}

/// Whether both directions are over, after RST or FIN in both: then the kernel knows no peer any
/// more. `poll` tells nothing unless it is asked for something to read, and then tells of a FIN alone.
pub fn is_gone(fd: RawFd) -> bool {
    let mut peer = Name::default();
    let (address, length) = peer.room();
    // SAFETY: the pointers are to room for an address and its length.
    unsafe { libc::getpeername(fd, address, length) != 0 }
}

/// kqueue does not tell libuv.
pub fn has_hung_up(_fd: RawFd) -> bool {
    false
}

/// Nothing is held back.
pub fn uncork(_fd: RawFd) {}
