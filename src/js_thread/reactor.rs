//! The reactor of the JavaScript thread. It runs the tasks of connections between deliveries.
//!
//! Without an I/O thread, a request costs no wake-up and no change of threads. The event loop watches the reactor's
//! descriptor. When something is ready, the JavaScript thread reads, parses and dispatches it.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use mio::{Events, Poll, Registry, Token};

use super::slots::Slots;
use crate::conn::Core;
use crate::conn::task::Task;
use crate::conn::watch::Event;
use crate::memory::Supply;

/// The largest number of events that one system call returns.
const EVENTS: usize = 256;

/// The tasks of the JavaScript thread.
#[derive(Debug)]
pub struct Reactor {
    poll: Poll,
    registry: Arc<Registry>,
    events: Events,
    /// The tasks by token.
    residents: Slots<Resident>,
    /// The tokens of tasks that have something to do. Some tasks may have ended meanwhile.
    runnable: VecDeque<u32>,
}

#[derive(Debug)]
struct Resident {
    task: Task,
    waker: Waker,
}

/// Wakes a task of the JavaScript thread, from any thread.
#[derive(Debug)]
struct TaskWaker {
    core: Arc<Core>,
    token: u32,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.core.queue.wake_task(self.token);
    }
}

impl Reactor {
    /// Makes a reactor without tasks. Fails if the system has no descriptor for it.
    pub fn new() -> io::Result<Reactor> {
        let poll = Poll::new()?;
        let registry = Arc::new(poll.registry().try_clone()?);
        Ok(Reactor {
            poll,
            registry,
            events: Events::with_capacity(EVENTS),
            residents: Slots::default(),
            runnable: VecDeque::new(),
        })
    }

    /// Adds the task of a connection, and returns its token. The task does not run before it is woken. Returns None if
    /// the connection has ended, which it does if no place is free.
    pub fn admit(&mut self, core: &Arc<Core>, mut task: Task) -> Option<u32> {
        if task.is_over() {
            return None;
        }
        let registry = &self.registry;
        self.residents.insert_with(|token| {
            task.register(registry, Token(token as usize));
            let core = core.clone();
            let waker = Waker::from(Arc::new(TaskWaker { core, token }));
            Resident { task, waker }
        })
    }

    /// Makes a task run. It does no harm if the task has ended or has nothing to do.
    pub fn wake_task(&mut self, token: u32) {
        self.runnable.push_back(token);
    }

    /// Ends a task whose connection JavaScript has closed, and with it the descriptor. Returns false if there is no such
    /// task, or JavaScript never knew the connection.
    pub fn end(&mut self, token: u32) -> bool {
        let resident = self.residents.get(token);
        if !resident.is_some_and(|resident| resident.task.is_over()) {
            return false;
        }
        let resident = self.residents.remove(token);
        resident.is_some_and(|resident| resident.task.close())
    }

    /// Whether a task is known to have something to do.
    pub fn is_busy(&self) -> bool {
        !self.runnable.is_empty()
    }

    /// Asks the kernel what is ready.
    pub fn poll(&mut self) {
        // After an error there are no events, and the event loop calls again.
        let _ = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        for event in &self.events {
            let Token(token) = event.token();
            let said = Event {
                readable: event.is_readable(),
                closed: event.is_read_closed() || event.is_error(),
                writable: event.is_writable() || event.is_write_closed() || event.is_error(),
            };
            note(&self.residents, &mut self.runnable, token as u32, said);
        }
        #[cfg(test)]
        for (token, said) in crate::conn::simulation::events() {
            note(&self.residents, &mut self.runnable, token as u32, said);
        }
    }

    /// Runs the tasks that have something to do. Returns false if there are none.
    pub fn run(&mut self, supply: &mut dyn Supply) -> bool {
        if self.runnable.is_empty() {
            return false;
        }
        while let Some(token) = self.runnable.pop_front() {
            self.run_one(token, supply);
        }
        true
    }

    /// Runs a task now. One that is gone does not mind.
    pub fn run_one(&mut self, token: u32, supply: &mut dyn Supply) {
        let Some(resident) = self.residents.get_mut(token) else {
            return;
        };
        let mut cx = Context::from_waker(&resident.waker);
        if resident.task.run(&mut cx, supply).is_ready() {
            self.residents.remove(token);
        }
    }
}

/// Gives an event to the task with this token, which then runs soon.
fn note(residents: &Slots<Resident>, runnable: &mut VecDeque<u32>, token: u32, event: Event) {
    if let Some(resident) = residents.get(token) {
        resident.task.note(event);
        runnable.push_back(token);
    }
}

impl AsRawFd for Reactor {
    /// A descriptor that is readable when something is ready.
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}
