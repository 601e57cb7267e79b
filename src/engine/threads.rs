//! The threads of an engine, each with a tokio runtime of its own: the accept thread, which accepts connections and serves new
//! ones, and the I/O threads.

use std::io;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Builder, Handle, Runtime};

/// The running threads of an engine.
#[derive(Debug)]
pub struct Pool {
    /// The accept thread first, then the I/O threads.
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    handle: Handle,
    stop: Arc<Notify>,
    thread: JoinHandle<()>,
}

impl Pool {
    pub fn start(io_threads: usize) -> io::Result<Pool> {
        let mut pool = Pool {
            workers: Vec::with_capacity(io_threads + 1),
        };
        for i in 0..=io_threads {
            let worker = match i {
                0 => Worker::start("ferrohttp-new".to_owned(), true),
                _ => Worker::start(format!("ferrohttp-io-{i}"), false),
            };
            match worker {
                Ok(worker) => pool.workers.push(worker),
                Err(error) => {
                    for thread in pool.stop() {
                        let _ = thread.join();
                    }
                    return Err(error);
                }
            }
        }
        Ok(pool)
    }

    pub fn accept_thread(&self) -> Handle {
        self.workers[0].handle.clone()
    }

    /// The runtime of the I/O thread for turn number `turn`, if there are I/O threads.
    pub fn io(&self, turn: usize) -> Option<Handle> {
        let io = self.workers.get(1..)?;
        let worker = io.get(turn.checked_rem(io.len())?)?;
        Some(worker.handle.clone())
    }

    /// Tells the threads to end. They drop their tasks, which closes what these own.
    pub fn stop(self) -> impl Iterator<Item = JoinHandle<()>> {
        for worker in &self.workers {
            worker.stop.notify_one();
        }
        self.workers.into_iter().map(|worker| worker.thread)
    }
}

impl Worker {
    fn start(name: String, timers: bool) -> io::Result<Worker> {
        let mut builder = Builder::new_current_thread();
        builder.enable_io();
        if timers {
            builder.enable_time();
        }
        let runtime = builder.build()?;
        let handle = runtime.handle().clone();
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let thread = thread::Builder::new()
            .name(name)
            .stack_size(256 * 1024)
            .spawn(move || run(&runtime, &stopped))?;
        Ok(Worker {
            handle,
            stop,
            thread,
        })
    }
}

fn run(runtime: &Runtime, stopped: &Notify) {
    block_signals();
    runtime.block_on(stopped.notified());
}

/// Leaves all signals to Node's own threads.
fn block_signals() {
    // SAFETY: sigfillset initialises the set that pthread_sigmask reads. Both use only the set and the mask of the
    // calling thread.
    unsafe {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        if libc::sigfillset(all.as_mut_ptr()) == 0 {
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut());
        }
    }
}
