//! Descriptors that outlive their connection for a while. The accept thread looks after them.
//!
//! JavaScript was told that deferred output is sent. In the kernel's buffer it would outlive the descriptor. So if a
//! connection with deferred output is closed, its descriptor stays open here until the output is sent.
//!
//! If bytes are unread when a descriptor is closed, the kernel sends RST, and the client's kernel drops what it has
//! received. A refused client would then not see the reply. So the option `linger` sends FIN first, and reads and drops
//! what the client still sends.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Core, io as sys};
use crate::http1::invariant;

/// How long a peer may take to read the output. The kernel would wait longer, but it needs no descriptor for that.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends the bytes and then closes the descriptor, while the engine runs.
pub fn send(core: &Arc<Core>, fd: OwnedFd, bytes: Vec<u8>) {
    #[cfg(test)]
    let Some(fd) = super::simulation::linger(fd, &bytes) else {
        return;
    };
    let Some(accept_thread) = core.accept_thread() else {
        return;
    };
    core.enter_accepted();
    let alive = Alive(core.clone());
    accept_thread.spawn(async move {
        let _ = tokio::time::timeout(PATIENCE, send_all(fd, &bytes)).await;
        drop(alive);
    });
}

/// How many bytes of a refused connection are read at most.
const DRAINED: usize = 1024 * 1024;

/// How many refused connections are read at a time. Further ones are closed at once.
const DRAINING: usize = 1024;

static DRAINS: AtomicUsize = AtomicUsize::new(0);

/// Sends FIN, reads until the peer's FIN or for `ms` milliseconds, and closes the descriptor.
pub fn drain(core: &Arc<Core>, fd: OwnedFd, ms: u64) -> io::Result<()> {
    sys::shutdown(fd.as_raw_fd())?;
    if DRAINS.load(Ordering::Relaxed) >= DRAINING {
        return Err(io::ErrorKind::QuotaExceeded.into());
    }
    let accept_thread = core.enter()?;
    DRAINS.fetch_add(1, Ordering::Relaxed);
    let alive = Alive(core.clone());
    accept_thread.spawn(async move {
        let _ = tokio::time::timeout(Duration::from_millis(ms), read_all(fd)).await;
        DRAINS.fetch_sub(1, Ordering::Relaxed);
        drop(alive);
    });
    Ok(())
}

/// Does the same with a duplicate of a descriptor. Its owner closes the descriptor itself.
pub fn drain_duplicate(core: &Arc<Core>, fd: RawFd, ms: u64) -> io::Result<()> {
    drain(core, sys::duplicate(fd)?, ms)
}

async fn read_all(fd: OwnedFd) -> io::Result<()> {
    // SAFETY: the descriptor is closed when this is dropped, not before.
    let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }
        .map_err(|error| error.into_parts().1)?;
    let mut buffer = vec![0; 16 * 1024];
    let mut left = DRAINED;
    while left > 0 {
        let mut ready = fd.readable().await?;
        match sys::recv(fd.as_raw_fd(), &mut buffer) {
            Ok(0) => break,
            Ok(count) => left = left.saturating_sub(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Sends all bytes. An error ends this, since nobody could be told.
async fn send_all(fd: OwnedFd, mut bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the descriptor is closed when this is dropped, not before.
    let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::WRITABLE) }
        .map_err(|error| error.into_parts().1)?;
    while !bytes.is_empty() {
        let mut ready = fd.writable().await?;
        match sys::send(fd.as_raw_fd(), &[bytes]) {
            Ok(count) => {
                bytes = invariant!(bytes.get(count..), "no more is sent than was asked for");
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Keeps the engine's threads running until it is dropped.
struct Alive(Arc<Core>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.leave();
    }
}
