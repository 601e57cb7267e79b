//! Linux.

use std::os::fd::RawFd;

pub use super::flags::*;
use super::{poll, set_option};

/// The flag of [`super::send_before_fin`]. It makes the kernel hold the last segment back for the FIN.
pub const FIN_FOLLOWS: libc::c_int = libc::MSG_MORE;

/// Whether writev(2) of no bytes fails if the peer has left.
pub const EMPTY_WRITEV_FAILS: bool = false;

/// Whether the peer has sent FIN or RST.
pub fn has_left(fd: RawFd) -> bool {
    poll(fd, libc::POLLRDHUP) & (libc::POLLRDHUP | libc::POLLHUP) != 0
}

/// Whether both directions are over and every byte is read. epoll tells libuv.
pub fn has_hung_up(fd: RawFd) -> bool {
    poll(fd, 0) & libc::POLLHUP != 0 && super::unread(fd) == Some(0)
}

/// Makes the system send what it holds back for FIN.
pub fn uncork(fd: RawFd) {
    // On a socket this cannot fail.
    let _ = set_option(fd, libc::IPPROTO_TCP, libc::TCP_CORK, 0);
}
