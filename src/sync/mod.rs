//! What threads share: locks, atomics, thread-locals, and the runtimes of the accept thread and the I/O threads.
//!
//! They are those of the standard library and of tokio. With the feature `schedules`, which only the crate's own tests
//! use, they are simulated: one thread runs at a time, and the test decides at each lock and each atomic which one goes
//! on (`js_thread/schedules.rs`).

#[cfg(all(test, feature = "schedules"))]
pub mod simulated;
#[cfg(all(test, feature = "schedules"))]
pub use simulated::*;

#[cfg(not(all(test, feature = "schedules")))]
pub use real::*;

#[cfg(not(all(test, feature = "schedules")))]
mod real {
    pub use std::sync::{Mutex, MutexGuard};

    #[cfg(unix)]
    pub use std::{sync::atomic, thread, thread_local};
    #[cfg(unix)]
    pub use tokio::{
        io::unix::{AsyncFd, AsyncFdReadyGuard},
        runtime::{Builder, Handle, Runtime},
        spawn,
        task::yield_now,
        time::sleep,
    };
}

/// Chooses between a limit and a much smaller one for simulated threads, so that tests reach it in a few steps.
#[cfg(unix)]
pub const fn limit(real: usize, simulated: usize) -> usize {
    if cfg!(all(test, feature = "schedules")) {
        simulated
    } else {
        real
    }
}

/// Locks a mutex even if its last holder has panicked. Every critical section of this crate leaves its data whole, and
/// a panic on one connection must not spread to others.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
