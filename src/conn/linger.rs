//! What was deferred of a connection that is closed.
//!
//! JavaScript takes it for sent. In a kernel's buffer it would outlive the descriptor; so here it
//! keeps the descriptor open, for a while, in the lobby.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::io;
use crate::engine::Core;

/// How long a peer may take to read it. The kernel would wait longer, but has no descriptor to lose.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends the bytes and closes the descriptor, as long as the engine runs.
pub fn send(core: &Arc<Core>, fd: OwnedFd, bytes: Vec<u8>) {
    #[cfg(test)]
    let fd = match super::simulation::linger(fd) {
        Some(fd) => fd,
        None => return,
    };
    let Some(lobby) = core.lobby() else {
        return;
    };
    core.enter_accepted();
    let alive = Alive(core.clone());
    lobby.spawn(async move {
        let _ = tokio::time::timeout(PATIENCE, send_all(fd, &bytes)).await;
        drop(alive);
    });
}

/// An error ends it: there is nobody to be told.
async fn send_all(fd: OwnedFd, mut bytes: &[u8]) -> std::io::Result<()> {
    // SAFETY: the descriptor is closed when this is dropped, not before.
    let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::WRITABLE) }
        .map_err(|error| error.into_parts().1)?;
    while !bytes.is_empty() {
        let mut ready = fd.writable().await?;
        match io::send(fd.as_raw_fd(), &[bytes]) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or(&[]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => ready.clear_ready(),
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
