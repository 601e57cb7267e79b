//! A simulation of tokio's runtimes, as far as this crate uses them, on threads that a test schedules. The descriptors
//! are those of `conn/simulation.rs`.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

pub use shuttle::sync::{Mutex, MutexGuard, atomic};
pub use shuttle::thread_local;

use shuttle::sync::Condvar;
use tokio::io::Interest;

use super::lock;
use crate::conn::simulation::{self, Direction};

/// Threads. Their handles know less than those of the standard library.
pub mod thread {
    use std::io;

    pub struct Builder(shuttle::thread::Builder);

    impl Builder {
        pub fn new() -> Builder {
            Builder(shuttle::thread::Builder::new())
        }

        pub fn name(self, name: String) -> Builder {
            Builder(self.0.name(name))
        }

        pub fn stack_size(self, _: usize) -> Builder {
            self
        }

        pub fn spawn(self, f: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
            self.0.spawn(f).map(JoinHandle)
        }
    }

    #[derive(Debug)]
    pub struct JoinHandle<T>(shuttle::thread::JoinHandle<T>);

    impl<T> JoinHandle<T> {
        pub fn join(self) -> std::thread::Result<T> {
            self.0.join()
        }

        /// Always false, because it cannot be known.
        pub fn is_finished(&self) -> bool {
            false
        }
    }
}

type Job = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    /// The handle of the runtime to which this thread belongs.
    static CURRENT: RefCell<Option<Handle>> = RefCell::new(None);
}

pub struct Builder;

impl Builder {
    pub fn new_current_thread() -> Builder {
        Builder
    }

    pub fn enable_io(&mut self) -> &mut Builder {
        self
    }

    pub fn enable_time(&mut self) -> &mut Builder {
        self
    }

    pub fn build(&mut self) -> io::Result<Runtime> {
        Ok(Runtime(Handle::default()))
    }
}

/// The tasks of one thread. One of them runs at a time, in the order in which they were woken.
pub struct Runtime(Handle);

#[derive(Debug)]
pub struct Entered;

#[derive(Clone, Default)]
pub struct Handle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    spawned: Vec<(usize, Send<Job>)>,
    woken: VecDeque<usize>,
    keys: usize,
    over: bool,
}

/// Only one thread of a test runs at a time, and all of them are on one thread of the system.
struct Send<T>(T);

// SAFETY: as above.
unsafe impl<T> std::marker::Send for Send<T> {}

/// The task that `block_on` waits for.
const MAIN: usize = 0;

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

impl Handle {
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        let mut job = Some(Send(Box::pin(future) as Job));
        let mut state = lock(&self.0.state);
        if !state.over {
            state.keys += 1;
            let key = state.keys;
            state.spawned.extend(job.take().map(|job| (key, job)));
            state.woken.push_back(key);
            self.0.changed.notify_one();
        }
        drop(state);
        // A runtime that has ended drops new tasks.
        drop(job);
    }

    /// Does nothing, because registering a descriptor needs no runtime here.
    pub fn enter(&self) -> Entered {
        Entered
    }

    fn wake(&self, key: usize) {
        let mut state = lock(&self.0.state);
        if !state.woken.contains(&key) {
            state.woken.push_back(key);
            self.0.changed.notify_one();
        }
    }
}

struct Alarm {
    runtime: Handle,
    key: usize,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.runtime.wake(self.key);
    }
}

impl Runtime {
    pub fn handle(&self) -> &Handle {
        &self.0
    }

    pub fn block_on(&self, main: impl Future<Output = ()>) {
        CURRENT.with(|current| *current.borrow_mut() = Some(self.0.clone()));
        let mut main = Box::pin(main);
        let mut jobs = BTreeMap::new();
        self.0.wake(MAIN);
        loop {
            let (spawned, key) = self.next();
            jobs.extend(spawned.into_iter().map(|(key, job)| (key, job.0)));
            let runtime = self.0.clone();
            let waker = Waker::from(Arc::new(Alarm { runtime, key }));
            let mut cx = Context::from_waker(&waker);
            if key == MAIN {
                if main.as_mut().poll(&mut cx).is_ready() {
                    break;
                }
            } else if let Some(job) = jobs.get_mut(&key)
                && job.as_mut().poll(&mut cx).is_ready()
            {
                jobs.remove(&key);
            }
        }
        let rest = {
            let mut state = lock(&self.0.0.state);
            state.over = true;
            std::mem::take(&mut state.spawned)
        };
        drop(rest);
        drop(jobs);
        CURRENT.with(|current| current.borrow_mut().take());
    }

    fn next(&self) -> (Vec<(usize, Send<Job>)>, usize) {
        let shared = &*self.0.0;
        let mut state = lock(&shared.state);
        loop {
            if let Some(key) = state.woken.pop_front() {
                return (std::mem::take(&mut state.spawned), key);
            }
            state = shared.changed.wait(state).unwrap();
        }
    }
}

pub fn spawn(future: impl Future<Output = ()> + 'static) {
    let current = CURRENT.with(|current| current.borrow().clone());
    current.expect("a runtime's thread").spawn(future);
}

/// Lets the other threads run first. Only this lets time pass.
pub async fn sleep(_: Duration) {
    yield_now().await;
}

pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        shuttle::thread::yield_now();
        Poll::Pending
    })
    .await;
}

/// A descriptor that a runtime watches.
#[derive(Debug)]
pub struct AsyncFd<T: AsRawFd>(ManuallyDrop<T>);

/// The error of a failed registration, which a simulated descriptor never has.
#[derive(Debug)]
pub struct Refusal(io::Error);

impl Refusal {
    pub fn into_parts(self) -> ((), io::Error) {
        ((), self.0)
    }
}

#[derive(Debug)]
pub struct AsyncFdReadyGuard<'a, T: AsRawFd> {
    watched: &'a AsyncFd<T>,
    direction: Direction,
    /// The number of the report about the descriptor that this is about.
    tick: u64,
    closed: bool,
}

impl<T: AsRawFd> AsyncFd<T> {
    /// # Safety
    /// None is needed: no descriptor is real.
    pub unsafe fn register_with_interest(inner: T, _: Interest) -> Result<AsyncFd<T>, Refusal> {
        match simulation::register_with_runtime(inner.as_raw_fd()) {
            Some(()) => Ok(AsyncFd(ManuallyDrop::new(inner))),
            None => Err(Refusal(io::ErrorKind::Unsupported.into())),
        }
    }

    pub fn poll_read_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, T>>> {
        self.poll_ready(Direction::Read, cx)
    }

    pub fn poll_write_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, T>>> {
        self.poll_ready(Direction::Write, cx)
    }

    fn poll_ready(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, T>>> {
        let ready = simulation::poll_ready(self.as_raw_fd(), direction, cx.waker());
        ready.map(|(tick, closed)| {
            Ok(AsyncFdReadyGuard {
                watched: self,
                direction,
                tick,
                closed,
            })
        })
    }
}

impl<T: AsRawFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl<T: AsRawFd> Drop for AsyncFd<T> {
    fn drop(&mut self) {
        simulation::deregister(self.as_raw_fd());
        // An owner would close a descriptor of the system.
        if std::mem::needs_drop::<T>() {
            simulation::close(self.as_raw_fd());
        }
    }
}

#[derive(Debug)]
pub struct Readiness {
    closed: bool,
}

impl Readiness {
    pub fn is_read_closed(&self) -> bool {
        self.closed
    }
}

impl<T: AsRawFd> AsyncFdReadyGuard<'_, T> {
    pub fn clear_ready(&mut self) {
        simulation::clear_ready(self.watched.as_raw_fd(), self.direction, self.tick);
    }

    pub fn ready(&self) -> Readiness {
        Readiness {
            closed: self.closed,
        }
    }
}

/// Lets another thread run here.
pub fn step() {
    atomic::AtomicBool::new(false).load(atomic::Ordering::SeqCst);
}
