//! A library that the servers of the comparison in time are started with (`LD_PRELOAD`). It gives the connections of
//! small clients a send buffer of fixed size.
//!
//! Without that, the kernel enlarges the buffer while the client reads. By how much depends on how the bytes before were
//! cut into segments, so that no history could say what the kernel takes at once.
//!
//! The library uses only functions that glibc and musl share, and not Rust's standard library, which would need more. So
//! one file is loaded by the loaders of both.

#![no_std]

use core::ffi::c_int;
use core::mem::size_of;

/// Clients with segments of up to this size are small ones.
const SMALL_SEGMENT: c_int = 1460;
/// The kernel doubles it for its own needs.
const ROOM: c_int = 32 * 1024;

/// Accepts a connection, as `accept4` of the C library does.
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn accept4(
    fd: c_int,
    address: *mut libc::sockaddr,
    length: *mut libc::socklen_t,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller keeps to the contract of `accept4`, which is that of the system call.
    let accepted = unsafe { libc::syscall(libc::SYS_accept4, fd, address, length, flags) } as c_int;
    if accepted >= 0 && segment(accepted).is_some_and(|size| size <= SMALL_SEGMENT) {
        fix_room(accepted);
    }
    accepted
}

/// The size of the segments of a TCP connection.
fn segment(fd: c_int) -> Option<c_int> {
    let mut size: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: both pointers are to locals, and the length is that of `size`.
    let result = unsafe {
        libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_MAXSEG, (&raw mut size).cast(), &raw mut length)
    };
    (result == 0).then_some(size)
}

/// If it fails, the histories of small connections are less certain.
fn fix_room(fd: c_int) {
    // SAFETY: the pointer is to a constant of the given length.
    unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_SNDBUF,
            core::ptr::from_ref(&ROOM).cast(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
}

/// Nothing here panics.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
