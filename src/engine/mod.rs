//! The engine of one environment: its threads, and the queue to its JavaScript thread. It knows nothing of
//! connections: what it carries is a [`Cargo`].

pub mod deferred;
pub mod queue;
mod threads;

use std::io;
use std::sync::Arc;

use crate::memory::{Returned, Returns};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::thread::JoinHandle;
use crate::sync::{Handle, Mutex};
use deferred::{Deferred, Flush};
use queue::{Queue, Weight};
use threads::Pool;

/// What an engine carries.
pub trait Cargo: Sized + 'static {
    /// What the JavaScript thread is told.
    type Delivery: Weight + Send + std::fmt::Debug;
    /// A task that is to run on the JavaScript thread.
    type Task: Send + std::fmt::Debug;
    /// What has deferred output.
    type Output: Flush + Send + Sync + 'static;
}

/// Shared by everything that belongs to one engine.
pub struct Core<C: Cargo> {
    /// To the JavaScript thread.
    pub queue: Queue<C>,
    /// Output that waits for the end of a batch of deliveries.
    pub deferred: Arc<Deferred<C::Output>>,
    io_threads: usize,
    threads: Mutex<Threads>,
    /// Listeners and connections; the threads run while there are any.
    live: AtomicUsize,
    /// Connections that went to an I/O thread so far, to spread them.
    placed: AtomicUsize,
    /// The environment is gone: nothing starts any more.
    ended: AtomicBool,
}

#[derive(Debug, Default)]
struct Threads {
    running: Option<Pool>,
    /// Threads that were told to stop.
    stopping: Vec<JoinHandle<()>>,
}

impl<C: Cargo> std::fmt::Debug for Core<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("queue", &self.queue)
            .field("live", &self.live)
            .finish_non_exhaustive()
    }
}

impl<C: Cargo> Core<C> {
    /// An engine without threads, which start with the first [`enter`](Self::enter).
    pub fn new(queue: Queue<C>, io_threads: usize) -> Core<C> {
        Core {
            queue,
            deferred: Arc::default(),
            io_threads,
            threads: Mutex::default(),
            live: AtomicUsize::new(0),
            placed: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// Counts a listener or connection, and starts the threads for the first one. Whoever enters
    /// must [`leave`](Self::leave). Returns the accept thread's runtime.
    pub fn enter(&self) -> io::Result<Handle> {
        let mut threads = crate::lock(&self.threads);
        if self.ended.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(libc::ECANCELED));
        }
        let pool = match &mut threads.running {
            Some(pool) => pool,
            none => {
                let pool = none.insert(Pool::start(self.io_threads)?);
                pool.accept_thread().spawn(self.deferred.clone().watch());
                pool
            }
        };
        self.live.fetch_add(1, Ordering::Relaxed);
        Ok(pool.accept_thread())
    }

    /// The accept thread's runtime, while the threads run.
    pub fn accept_thread(&self) -> Option<Handle> {
        Some(crate::lock(&self.threads).running.as_ref()?.accept_thread())
    }

    /// Counts a connection that a live listener accepted, or what outlives one.
    pub fn enter_accepted(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// The end of a listener or connection. After the last one the threads stop.
    pub fn leave(&self) {
        if self.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut threads = crate::lock(&self.threads);
            // Somebody may have entered before the lock was ours.
            if self.live.load(Ordering::Acquire) == 0
                && let Some(pool) = threads.running.take()
            {
                threads.stopping.retain(|thread| !thread.is_finished());
                threads.stopping.extend(pool.stop());
                drop(threads);
                // JavaScript lets go of the engine when it finds nothing alive.
                self.queue.rewake();
            }
        }
    }

    /// Listeners and connections.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Whether the threads run.
    pub fn is_running(&self) -> bool {
        crate::lock(&self.threads).running.is_some()
    }

    /// Whether established connections are read on the JavaScript thread.
    pub fn serves_on_js_thread(&self) -> bool {
        self.io_threads == 0
    }

    /// The I/O thread whose turn it is, if there are any that run.
    pub fn next_io_thread(&self) -> Option<Handle> {
        let turn = self.placed.fetch_add(1, Ordering::Relaxed);
        crate::lock(&self.threads).running.as_ref()?.io(turn)
    }

    /// Ends every thread and with them every listener and connection, and waits for it.
    pub fn shut_down(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let joins = {
            let mut threads = crate::lock(&self.threads);
            let mut joins = std::mem::take(&mut threads.stopping);
            joins.extend(threads.running.take().into_iter().flat_map(Pool::stop));
            joins
        };
        for thread in joins {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
        self.queue.end();
    }
}

impl<C: Cargo> Returns for Core<C> {
    fn give_back(&self, memory: Returned) {
        self.queue.give_back(memory);
    }
}
