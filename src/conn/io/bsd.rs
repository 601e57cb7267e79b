//! FreeBSD, and all other systems for which the crate compiles.

use std::os::fd::RawFd;

pub use super::flags::*;

/// There is no flag that holds a segment back, so FIN leaves in a segment of its own.
pub const FIN_FOLLOWS: libc::c_int = 0;

/// Whether writev(2) of no bytes fails if the peer has left.
pub const EMPTY_WRITEV_FAILS: bool = true;

/// Whether the peer has sent RST, or both sides have sent FIN.
pub fn has_left(fd: RawFd) -> bool {
    super::poll(fd, 0) & libc::POLLHUP != 0
}

/// Always false: kqueue does not report a hang-up to libuv.
pub fn has_hung_up(_fd: RawFd) -> bool {
    false
}

/// Does nothing, because nothing is held back.
pub fn uncork(_fd: RawFd) {}
