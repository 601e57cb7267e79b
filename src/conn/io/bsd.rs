//! FreeBSD, and what is left of the systems that the crate compiles for.

use std::io::Result;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use super::check;

pub const SEND_FLAGS: libc::c_int = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;

/// No flag holds a segment back: FIN leaves in a segment of its own.
pub const FIN_FOLLOWS: libc::c_int = 0;

/// The option with the seconds of silence before the first probe.
pub const TCP_KEEPIDLE: libc::c_int = libc::TCP_KEEPIDLE;

/// Takes a connection from the backlog.
pub fn accept(fd: RawFd) -> Result<OwnedFd> {
    // SAFETY: null pointers ask for no address; the result is a descriptor of our own.
    unsafe {
        check(libc::accept4(
            fd,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK,
        ))
        .map(|fd| OwnedFd::from_raw_fd(fd))
    }
}

/// `MSG_NOSIGNAL` says it with each call.
pub fn set_no_sigpipe(_fd: RawFd) -> Result<()> {
    Ok(())
}
