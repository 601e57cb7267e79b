//! Linux.

use std::os::fd::RawFd;

pub use super::flags::*;
use super::set_option;

/// The flag of [`super::send_before_fin`]. It makes the kernel hold the last segment back for the FIN.
pub const FIN_FOLLOWS: libc::c_int = libc::MSG_MORE;

/// Whether both directions are over and every byte is read. epoll tells libuv.
pub fn has_hung_up(fd: RawFd) -> bool {
    is_gone(fd) && super::unread(fd) == Some(0)
}

/// Makes the system send what it holds back for FIN.
pub fn uncork(fd: RawFd) {
    // On a socket this cannot fail.
    let _ = set_option(fd, libc::IPPROTO_TCP, libc::TCP_CORK, 0);
}
