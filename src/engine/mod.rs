//! The engine of one environment: its threads, and the queue to its JavaScript thread. It does not know connections;
//! what it carries is a [`Cargo`].

mod alarm;
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

/// The types that an engine carries.
pub trait Cargo: Sized + 'static {
    /// What goes to the JavaScript thread.
    type Delivery: Weight + Send + std::fmt::Debug;
    /// A task that is to run on the JavaScript thread.
    type Task: Send + std::fmt::Debug;
    /// What has deferred output.
    type Output: Flush + Send + Sync + 'static;
}

/// Shared by everything that belongs to one engine.
pub struct Core<C: Cargo> {
    /// The queue to the JavaScript thread.
    pub queue: Queue<C>,
    /// Output that waits for the end of a batch of deliveries.
    pub deferred: Arc<Deferred<C::Output>>,
    io_threads: usize,
    threads: Mutex<Threads>,
    /// The number of listeners and connections. The threads run while there are any.
    live: AtomicUsize,
    /// How many connections went to an I/O thread so far. It spreads them over the threads.
    placed: AtomicUsize,
    /// The environment has ended, so nothing starts any more.
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

    /// Counts a listener or connection, and starts the threads for the first one. The caller must
    /// [`leave`](Self::leave) later. Returns the accept thread's runtime.
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

    /// Counts a connection that a live listener has accepted, or a descriptor that outlives its connection. The threads
    /// run.
    pub fn enter_accepted(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// The end of a listener or connection. After the last one the threads stop.
    pub fn leave(&self) {
        if self.live.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut threads = crate::lock(&self.threads);
            // Another thread may have entered before this one got the lock.
            if self.live.load(Ordering::Acquire) == 0
                && let Some(pool) = threads.running.take()
            {
                threads.stopping.retain(|thread| !thread.is_finished());
                threads.stopping.extend(pool.stop());
                drop(threads);
                // When JavaScript runs next, it finds nothing alive and releases the engine.
                self.queue.rewake();
            }
        }
    }

    /// The number of listeners and connections.
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

    /// The runtime of the I/O thread whose turn it is, if I/O threads run.
    pub fn next_io_thread(&self) -> Option<Handle> {
        let turn = self.placed.fetch_add(1, Ordering::Relaxed);
        crate::lock(&self.threads).running.as_ref()?.io(turn)
    }

    /// Ends every thread, and with them every listener and connection. Waits for the threads.
    pub fn shut_down(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let joins = {
            let mut threads = crate::lock(&self.threads);
            let mut joins = std::mem::take(&mut threads.stopping);
            joins.extend(threads.running.take().into_iter().flat_map(Pool::stop));
            joins
        };
        for thread in joins {
            // A thread that has panicked has ended, too.
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
