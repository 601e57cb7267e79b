//! What Linux and FreeBSD have alike: flags with each call, where others need calls of their own.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::check;
use crate::conn::address::Name;

pub const SEND_FLAGS: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// The option that has the seconds of silence before the first keep-alive probe.
pub const TCP_KEEPIDLE: libc::c_int = libc::TCP_KEEPIDLE;

/// Takes a connection from the backlog. If no descriptor is left, the connection stays there.
pub fn accept(fd: RawFd) -> Result<(OwnedFd, Option<SocketAddr>)> {
    let mut peer = Name::default();
    let (address, length) = peer.room();
    // SAFETY: the pointers are to room for an address and its length; the result is a descriptor of
    // our own.
    let accepted = unsafe {
        let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        check(libc::accept4(fd, address, length, flags)).map(|fd| OwnedFd::from_raw_fd(fd))?
    };
    Ok((accepted, peer.address()))
}

/// Does nothing, because each call has the flag `MSG_NOSIGNAL`.
pub fn set_no_sigpipe(_fd: RawFd) -> Result<()> {
    Ok(())
}

/// The error that is reported for a failed send.
pub fn send_error(error: Error) -> Error {
    error
}
