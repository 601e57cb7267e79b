//! FreeBSD, and what is left of the systems that the crate compiles for.

use std::os::fd::RawFd;

pub use super::flags::*;

/// No flag holds a segment back: FIN leaves in a segment of its own.
pub const FIN_FOLLOWS: libc::c_int = 0;

/// kqueue does not tell libuv.
pub fn has_hung_up(_fd: RawFd) -> bool {
    false
}

/// Nothing is held back.
pub fn uncork(_fd: RawFd) {}
