//! The queue to the JavaScript thread.

use std::collections::VecDeque;
use std::task::Waker;

use super::Cargo;
use crate::memory::Returned;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, limit};

/// The weight of all undelivered deliveries at which reading and accepting pause. They go on at half of it.
pub const BACKLOG_LIMIT: usize = limit(32 << 20, 16 << 10);

/// What counts towards the limit while it is in the queue.
pub trait Weight {
    /// The weight in bytes.
    fn weight(&self) -> usize;
}

/// The queue of one engine. Any thread pushes, and the JavaScript thread takes.
pub struct Queue<C: Cargo> {
    shared: Mutex<Shared<C>>,
    /// The weight of all deliveries that were pushed and not popped yet.
    backlog: AtomicUsize,
    /// Tasks that wait for the backlog to shrink.
    held_up: Mutex<Vec<Waker>>,
    /// Wakes the JavaScript thread.
    wake: Box<dyn Fn() + Send + Sync>,
}

struct Shared<C: Cargo> {
    inbox: Inbox<C>,
    /// JavaScript was woken and has not yet found the queue empty.
    awake: bool,
    /// The environment has ended, and nobody takes anything any more.
    ended: bool,
}

/// What is in the queue.
#[derive(Debug)]
pub struct Inbox<C: Cargo> {
    /// Deliveries, in order.
    pub deliveries: VecDeque<C::Delivery>,
    /// Connections that move to the JavaScript thread.
    pub arrivals: Vec<C::Task>,
    /// Tokens of tasks on the JavaScript thread that have something to do.
    pub woken: Vec<u32>,
    /// JavaScript's memory that another thread has sent and gives back.
    pub returned: Vec<Returned>,
}

impl<C: Cargo> Default for Inbox<C> {
    fn default() -> Inbox<C> {
        Inbox {
            deliveries: VecDeque::new(),
            arrivals: Vec::new(),
            woken: Vec::new(),
            returned: Vec::new(),
        }
    }
}

impl<C: Cargo> Inbox<C> {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.deliveries.is_empty()
            && self.arrivals.is_empty()
            && self.woken.is_empty()
            && self.returned.is_empty()
    }
}

impl<C: Cargo> std::fmt::Debug for Queue<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("backlog", &self.backlog)
            .finish_non_exhaustive()
    }
}

impl<C: Cargo> Queue<C> {
    /// An empty queue. `wake` is called, from any thread, when there is something in it.
    pub fn new(wake: Box<dyn Fn() + Send + Sync>) -> Queue<C> {
        Queue {
            shared: Mutex::new(Shared {
                inbox: Inbox::default(),
                awake: false,
                ended: false,
            }),
            backlog: AtomicUsize::new(0),
            held_up: Mutex::default(),
            wake,
        }
    }

    /// Appends a delivery, and wakes JavaScript unless it is awake.
    pub fn push(&self, delivery: C::Delivery) {
        self.pushed(&delivery);
        self.put(|inbox| inbox.deliveries.push_back(delivery));
    }

    /// Hands a connection to the JavaScript thread.
    pub fn arrive(&self, task: C::Task) {
        self.put(|inbox| inbox.arrivals.push(task));
    }

    /// Makes a task of the JavaScript thread run.
    pub fn wake_task(&self, token: u32) {
        self.put(|inbox| inbox.woken.push(token));
    }

    /// Gives memory back to the JavaScript thread.
    pub fn give_back(&self, memory: Returned) {
        self.put(|inbox| inbox.returned.push(memory));
    }

    fn put(&self, put: impl FnOnce(&mut Inbox<C>)) {
        let wake = {
            let mut shared = crate::lock(&self.shared);
            if shared.ended {
                return;
            }
            put(&mut shared.inbox);
            !std::mem::replace(&mut shared.awake, true)
        };
        if wake {
            (self.wake)();
        }
    }

    /// Swaps `empty` for everything in the queue. Returns false if there is nothing; then the next push wakes
    /// JavaScript.
    pub fn take(&self, empty: &mut Inbox<C>) -> bool {
        let mut shared = crate::lock(&self.shared);
        if shared.inbox.is_empty() {
            shared.awake = false;
            return false;
        }
        std::mem::swap(&mut shared.inbox, empty);
        true
    }

    /// Notes that JavaScript looks at the queue although it was not woken.
    pub fn awaken(&self) {
        crate::lock(&self.shared).awake = true;
    }

    /// Drops everything in the queue, and everything that comes later.
    pub fn end(&self) {
        let inbox = {
            let mut shared = crate::lock(&self.shared);
            shared.ended = true;
            std::mem::take(&mut shared.inbox)
        };
        drop(inbox);
    }

    /// Wakes JavaScript once more, because it stopped before the queue was empty.
    pub fn rewake(&self) {
        crate::lock(&self.shared).awake = true;
        (self.wake)();
    }

    /// Adds a delivery to the backlog.
    pub fn pushed(&self, delivery: &C::Delivery) {
        self.backlog.fetch_add(delivery.weight(), Ordering::Relaxed);
    }

    /// Takes a delivery out of the backlog, because it is dispatched or dropped.
    pub fn popped(&self, delivery: &C::Delivery) {
        let weight = delivery.weight();
        let before = self.backlog.fetch_sub(weight, Ordering::Relaxed);
        let low = BACKLOG_LIMIT / 2;
        if before > low && before - weight <= low {
            let held_up = std::mem::take(&mut *crate::lock(&self.held_up));
            for waker in held_up {
                waker.wake();
            }
        }
    }

    /// Whether the backlog has reached its limit. If so, `waker` is woken when it has shrunk.
    pub fn is_full(&self, waker: &Waker) -> bool {
        if self.backlog.load(Ordering::Relaxed) < BACKLOG_LIMIT {
            return false;
        }
        crate::lock(&self.held_up).push(waker.clone());
        // The backlog may have shrunk before the waker was in the list.
        self.backlog.load(Ordering::Relaxed) > BACKLOG_LIMIT / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Deliveries are their weights.
    #[derive(Debug)]
    struct Weights;

    impl Cargo for Weights {
        type Delivery = Letter;
        type Task = ();
        type Output = Weights;
    }

    impl crate::engine::deferred::Flush for Weights {
        fn flush(self: &Arc<Self>, _: crate::engine::deferred::Moment) -> bool {
            false
        }
    }

    #[derive(Debug)]
    struct Letter(usize);

    impl Weight for Letter {
        fn weight(&self) -> usize {
            self.0
        }
    }

    fn notice(size: usize) -> Letter {
        Letter(size)
    }

    #[test]
    fn one_wake_up_for_many_deliveries() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = wakes.clone();
        let queue = Queue::<Weights>::new(Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
        queue.push(notice(0));
        queue.push(notice(0));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        let mut taken = Inbox::default();
        queue.take(&mut taken);
        assert_eq!(taken.deliveries.len(), 2);
        queue.push(notice(0));
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        taken.deliveries.clear();
        queue.take(&mut taken);
        taken.deliveries.clear();
        queue.take(&mut taken);
        assert!(taken.is_empty());
        queue.push(notice(0));
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_backlog_holds_up_until_it_is_half_gone() {
        let queue = Queue::<Weights>::new(Box::new(|| {}));
        let waker = Waker::noop();
        assert!(!queue.is_full(waker));
        for _ in 0..4 {
            queue.push(notice(BACKLOG_LIMIT / 4 + 1));
        }
        assert!(queue.is_full(waker));
        let mut taken = Inbox::default();
        queue.take(&mut taken);
        queue.popped(&taken.deliveries[0]);
        assert!(!queue.is_full(waker));
        queue.popped(&taken.deliveries[1]);
        assert_eq!(crate::lock(&queue.held_up).len(), 1);
        queue.popped(&taken.deliveries[2]);
        assert!(crate::lock(&queue.held_up).is_empty());
    }
}
