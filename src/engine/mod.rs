//! The engine of one environment: its threads, and the queue to its JavaScript thread.

pub mod connections;
pub mod deferred;
pub mod queue;
pub mod reactor;
#[cfg(all(test, feature = "schedules"))]
mod schedules;
pub mod slots;
mod threads;

use std::io;
use std::sync::Arc;

use crate::conn::Conn;
use crate::conn::task::Task;
use crate::memory::{Returned, Returns};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::thread::JoinHandle;
use crate::sync::{Handle, Mutex};
use deferred::Deferred;
use queue::Queue;
use threads::Pool;

/// Shared by everything that belongs to one engine.
#[derive(Debug)]
pub struct Core {
    pub queue: Queue,
    pub deferred: Arc<Deferred>,
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

impl Core {
    pub fn new(queue: Queue, io_threads: usize) -> Core {
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
    /// must [`leave`](Self::leave). Returns the lobby's runtime.
    pub fn enter(&self) -> io::Result<Handle> {
        let mut threads = crate::lock(&self.threads);
        if self.ended.load(Ordering::Relaxed) {
            return Err(io::Error::from_raw_os_error(libc::ECANCELED));
        }
        let pool = match &mut threads.running {
            Some(pool) => pool,
            none => {
                let pool = none.insert(Pool::start(self.io_threads)?);
                pool.lobby().spawn(self.deferred.clone().watch());
                pool
            }
        };
        self.live.fetch_add(1, Ordering::Relaxed);
        Ok(pool.lobby())
    }

    /// The lobby's runtime, while the threads run.
    pub fn lobby(&self) -> Option<Handle> {
        Some(crate::lock(&self.threads).running.as_ref()?.lobby())
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

    /// Passes an established connection on to where it is served.
    pub fn settle(&self, conn: Arc<Conn>) {
        if self.serves_on_js_thread() {
            self.queue.arrive(Task::on_js_thread(conn));
            return;
        }
        let turn = self.placed.fetch_add(1, Ordering::Relaxed);
        let io = crate::lock(&self.threads)
            .running
            .as_ref()
            .and_then(|pool| pool.io(turn));
        let task = Task::on_io_thread(conn);
        if let Some(io) = io {
            io.spawn(task);
        }
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

impl Returns for Core {
    fn give_back(&self, memory: Returned) {
        self.queue.give_back(memory);
    }
}
