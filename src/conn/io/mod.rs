//! The system calls of sockets. None of them blocks or raises SIGPIPE, and every descriptor that they make is
//! close-on-exec.

use std::io::{self, Error, Result};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

#[cfg(not(target_vendor = "apple"))]
mod flags;

// Each system has a file for what it does differently from POSIX, or beyond it.
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux.rs")]
#[cfg_attr(target_vendor = "apple", path = "apple.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", target_vendor = "apple")),
    path = "bsd.rs"
)]
mod system;

pub use system::{EMPTY_WRITEV_FAILS, set_no_sigpipe, uncork};
use system::{FIN_FOLLOWS, SEND_FLAGS};

/// The largest number of pieces in one `sendmsg`. It is the same as libuv's: a peer that has gone answers the first
/// segment, and a second call would meet that answer.
pub const MAX_PIECES: usize = 1024;

/// Up to so many pieces are passed on without an allocation.
pub const FEW_PIECES: usize = 16;

/// In the crate's own tests, asks the simulated sockets first.
macro_rules! simulated {
    ($result:expr) => {
        #[cfg(test)]
        if let Some(result) = $result {
            return result;
        }
    };
}

fn check(result: libc::c_int) -> Result<libc::c_int> {
    if result < 0 {
        Err(Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn length(result: libc::ssize_t) -> Result<usize> {
    usize::try_from(result).map_err(|_| Error::last_os_error())
}

/// Accepts the next connection of a listening socket. Returns the address of its peer as well, if it has one.
pub fn accept(fd: RawFd) -> Result<(OwnedFd, Option<SocketAddr>)> {
    simulated!(super::simulation::accept(fd));
    system::accept(fd)
}

/// Reads what is there. `Ok(0)` is FIN.
pub fn recv(fd: RawFd, buffer: &mut [u8]) -> Result<usize> {
    simulated!(super::simulation::recv(fd, &mut [buffer]));
    loop {
        // SAFETY: the pointer and the length are those of a writable slice.
        let n = unsafe {
            libc::recv(
                fd,
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                libc::MSG_DONTWAIT,
            )
        };
        match length(n) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Reads as [`recv`] does, first into `first` and, when that is full, into `rest`.
pub fn recv_split(fd: RawFd, first: &mut [MaybeUninit<u8>], rest: &mut [u8]) -> Result<usize> {
    simulated!({
        first.fill(MaybeUninit::new(0));
        // SAFETY: all of it was initialised just now.
        let first = unsafe { &mut *(&raw mut *first as *mut [u8]) };
        super::simulation::recv(fd, &mut [first, rest])
    });
    let mut vectors = [
        libc::iovec {
            iov_base: first.as_mut_ptr().cast(),
            iov_len: first.len(),
        },
        libc::iovec {
            iov_base: rest.as_mut_ptr().cast(),
            iov_len: rest.len(),
        },
    ];
    loop {
        // SAFETY: a msghdr of zeros is valid; it then points at two vectors, each of which
        // describes a writable slice.
        let n = unsafe {
            let mut message: libc::msghdr = std::mem::zeroed();
            message.msg_iov = vectors.as_mut_ptr();
            message.msg_iovlen = if rest.is_empty() { 1 } else { 2 };
            libc::recvmsg(fd, &mut message, libc::MSG_DONTWAIT)
        };
        match length(n) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Writes the pieces, in order, as far as the kernel takes them. There are at most [`MAX_PIECES`].
pub fn send(fd: RawFd, pieces: &[&[u8]]) -> Result<usize> {
    send_with(fd, pieces, SEND_FLAGS)
}

/// Writes as [`send`] does, for the case that [`shutdown`] follows at once. If the system can do that, the last bytes
/// leave in one segment with the FIN.
pub fn send_before_fin(fd: RawFd, pieces: &[&[u8]]) -> Result<usize> {
    send_with(fd, pieces, SEND_FLAGS | FIN_FOLLOWS)
}

fn send_with(fd: RawFd, pieces: &[&[u8]], flags: libc::c_int) -> Result<usize> {
    simulated!(super::simulation::send(fd, pieces));
    loop {
        let n = match pieces {
            [piece] => {
                // SAFETY: the pointer and the length are those of a slice.
                unsafe { libc::send(fd, piece.as_ptr().cast(), piece.len(), flags) }
            }
            pieces => send_many(fd, pieces, flags),
        };
        match length(n) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map_err(system::send_error),
        }
    }
}

fn send_many(fd: RawFd, pieces: &[&[u8]], flags: libc::c_int) -> libc::ssize_t {
    const NONE: libc::iovec = libc::iovec {
        iov_base: std::ptr::null_mut(),
        iov_len: 0,
    };
    let pieces = pieces.get(..MAX_PIECES).unwrap_or(pieces);
    let mut few = [NONE; FEW_PIECES];
    let mut many = Vec::new();
    let vectors = match few.get_mut(..pieces.len()) {
        Some(few) => few,
        None => {
            many.resize(pieces.len(), NONE);
            &mut many[..]
        }
    };
    for (vector, piece) in vectors.iter_mut().zip(pieces) {
        vector.iov_base = piece.as_ptr().cast_mut().cast();
        vector.iov_len = piece.len();
    }
    // SAFETY: a msghdr of zeros is valid; it then points at the vectors, each of which describes a slice
    // that sendmsg only reads.
    unsafe {
        let mut message: libc::msghdr = std::mem::zeroed();
        message.msg_iov = vectors.as_mut_ptr();
        message.msg_iovlen = vectors.len() as _;
        libc::sendmsg(fd, &message, flags)
    }
}

/// Whether the kernel has bytes that nobody has read.
pub fn has_unread(fd: RawFd) -> bool {
    simulated!(super::simulation::has_unread(fd));
    unread(fd).is_some_and(|count| count > 0)
}

/// The number of bytes that nobody has read.
fn unread(fd: RawFd) -> Option<libc::c_int> {
    let mut count: libc::c_int = 0;
    // SAFETY: the pointer is that of one number.
    let result = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut count) };
    (result == 0).then_some(count)
}

/// What holds of a descriptor: of these events, and of errors and hang-ups.
fn poll(fd: RawFd, events: libc::c_short) -> libc::c_short {
    let mut asked = libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    // SAFETY: the pointer is that of one pollfd.
    let count = unsafe { libc::poll(&raw mut asked, 1, 0) };
    if count > 0 { asked.revents } else { 0 }
}

/// Whether the peer has sent FIN or RST. After FIN it may have closed, and then each write is answered by RST.
pub fn has_left(fd: RawFd) -> bool {
    simulated!(super::simulation::has_left(fd));
    system::has_left(fd)
}

/// Whether both directions have ended and every byte was read, on systems that report this to libuv.
pub fn has_hung_up(fd: RawFd) -> bool {
    simulated!(super::simulation::has_hung_up(fd));
    system::has_hung_up(fd)
}

/// Whether the system has no memory for a send at the moment. Then libuv tries again.
pub fn is_out_of_buffers(error: &Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}

/// Sends FIN.
pub fn shutdown(fd: RawFd) -> Result<()> {
    simulated!(super::simulation::shutdown(fd));
    // SAFETY: no memory is involved.
    check(unsafe { libc::shutdown(fd, libc::SHUT_WR) }).map(drop)
}

/// Closes a descriptor that the caller owns.
///
/// # Safety
/// Nobody uses the descriptor any more.
pub unsafe fn close(fd: RawFd) {
    simulated!(super::simulation::close(fd));
    // SAFETY: the caller guarantees it.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
}

/// Ends both directions of a connection that has failed. Bytes that have arrived can still be read.
pub fn shut_both_ways(fd: RawFd) {
    // SAFETY: no memory is involved.
    unsafe { libc::shutdown(fd, libc::SHUT_RDWR) };
}

/// Calls listen(2).
pub fn listen(fd: RawFd, backlog: i32) -> Result<()> {
    // SAFETY: no memory is involved.
    check(unsafe { libc::listen(fd, backlog) }).map(drop)
}

/// Makes a duplicate of a descriptor. The duplicate is close-on-exec.
pub fn duplicate(fd: RawFd) -> Result<OwnedFd> {
    simulated!(super::simulation::duplicate(fd));
    // SAFETY: the result is a descriptor of our own.
    unsafe { check(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)).map(|fd| OwnedFd::from_raw_fd(fd)) }
}

/// Makes calls on the descriptor return EAGAIN instead of blocking.
pub fn set_nonblocking(fd: RawFd) -> Result<()> {
    // SAFETY: no memory is involved.
    unsafe {
        let flags = check(libc::fcntl(fd, libc::F_GETFL))?;
        check(libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK)).map(drop)
    }
}

fn set_option(fd: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> Result<()> {
    // SAFETY: the pointer and the length are those of `value`.
    check(unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    })
    .map(drop)
}

/// Turns Nagle's algorithm off (`on`) or on.
pub fn set_no_delay(fd: RawFd, on: bool) -> Result<()> {
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, on.into())
}

/// Sets keep-alive as libuv does: ten probes, a second apart, after `delay` seconds (0: the system's default).
pub fn set_keep_alive(fd: RawFd, on: bool, delay: u32) -> Result<()> {
    set_option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE, on.into())?;
    if !on || delay == 0 {
        return Ok(());
    }
    set_option(
        fd,
        libc::IPPROTO_TCP,
        system::TCP_KEEPIDLE,
        libc::c_int::try_from(delay).unwrap_or(libc::c_int::MAX),
    )?;
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 1)?;
    set_option(fd, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, 10)
}

/// Makes the next close send RST.
pub fn set_reset_on_close(fd: RawFd) -> Result<()> {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // SAFETY: the pointer and the length are those of `linger`.
    check(unsafe {
        libc::setsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        )
    })
    .map(drop)
}

/// The name of a socket error, as in `err.code` of Node.
pub fn errno_name(errno: i32) -> &'static str {
    match errno {
        0 => "ERR_FERROHTTP_INTERNAL", // record::PANICKED
        libc::ECONNRESET => "ECONNRESET",
        libc::EPIPE => "EPIPE",
        libc::ETIMEDOUT => "ETIMEDOUT",
        libc::ECONNABORTED => "ECONNABORTED",
        libc::ECONNREFUSED => "ECONNREFUSED",
        libc::EHOSTUNREACH => "EHOSTUNREACH",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::ENETDOWN => "ENETDOWN",
        libc::ENOBUFS => "ENOBUFS",
        libc::ENOMEM => "ENOMEM",
        libc::ENOTCONN => "ENOTCONN",
        libc::EPROTO => "EPROTO",
        libc::EIO => "EIO",
        _ => "UNKNOWN",
    }
}
