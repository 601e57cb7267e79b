//! Output that waits for the end of a batch of deliveries, so that the responses of the batch leave together. If a turn
//! of the JavaScript thread does not end, the accept thread sends what has waited for longer than a tick.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, limit, sleep};

/// Something that has deferred output.
pub trait Flush {
    /// Sends the output that is due at this moment. What the kernel does not take is left to a task. Returns whether
    /// something is still to be sent at the end of the turn.
    fn flush(self: &Arc<Self>, moment: Moment) -> bool;
}

/// A moment at which deferred output is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The deliveries of a batch have been dispatched.
    Batch,
    /// The turn has ended. FIN leaves now, as from libuv after all events.
    Turn,
    /// The turn takes too long.
    Early,
}

/// How long the accept thread lets output wait: once to twice this time.
const TICK: Duration = Duration::from_millis(1);

/// After so many ticks without deferred output the accept thread stops looking.
const IDLE_TICKS: usize = limit(50, 1);

/// The connections that have deferred output.
#[derive(Debug)]
pub struct Deferred<T> {
    conns: Mutex<Vec<Arc<T>>>,
    /// The number of batches that the JavaScript thread has flushed.
    flushed: AtomicU64,
    /// The accept thread looks after the connections, or `wanted` tells it to.
    watched: AtomicBool,
    wanted: Notify,
}

impl<T> Default for Deferred<T> {
    fn default() -> Deferred<T> {
        Deferred {
            conns: Mutex::default(),
            flushed: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            wanted: Notify::new(),
        }
    }
}

impl<T: Flush> Deferred<T> {
    /// Remembers a connection with deferred output, or one whose FIN is due.
    pub fn add(&self, conn: &Arc<T>) {
        {
            let mut conns = crate::lock(&self.conns);
            if conns.last().is_some_and(|last| Arc::ptr_eq(last, conn)) {
                return;
            }
            conns.push(conn.clone());
        }
        if !self.watched.swap(true, Ordering::AcqRel) {
            self.wanted.notify_one();
        }
    }

    /// Sends the output that is due at this moment. It does not hold the lock meanwhile, so that other threads can add
    /// connections.
    pub fn flush(&self, moment: Moment) {
        let mut conns = crate::lock(&self.conns);
        if conns.is_empty() {
            return;
        }
        self.flushed.fetch_add(1, Ordering::Relaxed);
        if moment == Moment::Early {
            // They stay in the list meanwhile, so that a turn that ends now finds those whose FIN is due.
            let batch = conns.clone();
            drop(conns);
            for conn in &batch {
                conn.flush(moment);
            }
            // Hardly anything is left to be sent, so the lock may be held.
            crate::lock(&self.conns).retain(|conn| conn.flush(moment));
            return;
        }
        let mut batch = std::mem::take(&mut *conns);
        drop(conns);
        batch.retain(|conn| conn.flush(moment));
        let mut conns = crate::lock(&self.conns);
        batch.append(&mut conns);
        *conns = batch;
    }

    /// The task of the accept thread that looks after the connections. It ends with the accept thread's runtime.
    pub async fn watch(self: Arc<Self>) {
        let _passed_on = PassedOn(&self);
        loop {
            self.wanted.notified().await;
            let mut idle = 0;
            let mut seen = self.flushed.load(Ordering::Relaxed);
            while idle < IDLE_TICKS {
                sleep(TICK).await;
                let now = self.flushed.load(Ordering::Relaxed);
                if now != seen {
                    idle = 0;
                } else if crate::lock(&self.conns).is_empty() {
                    idle += 1;
                } else {
                    self.flush(Moment::Early);
                }
                seen = self.flushed.load(Ordering::Relaxed);
            }
            self.watched.store(false, Ordering::Release);
            if !crate::lock(&self.conns).is_empty() {
                self.watched.store(true, Ordering::Release);
                self.wanted.notify_one();
            }
        }
    }
}

/// Makes the next accept thread look after the connections when this one ends. The next one may have started already.
struct PassedOn<'a, T>(&'a Deferred<T>);

impl<T> Drop for PassedOn<'_, T> {
    fn drop(&mut self) {
        self.0.watched.store(true, Ordering::Release);
        self.0.wanted.notify_one();
    }
}

#[cfg(all(test, not(feature = "schedules")))]
mod tests {
    use std::sync::Weak;

    use super::*;

    /// Looks, while it is flushed, whether another connection could be remembered.
    struct Probe {
        deferred: Weak<Deferred<Probe>>,
        asked: AtomicU64,
        locked: AtomicU64,
    }

    impl Flush for Probe {
        fn flush(self: &Arc<Self>, _moment: Moment) -> bool {
            let deferred = self.deferred.upgrade().expect("it is flushing");
            self.asked.fetch_add(1, Ordering::Relaxed);
            if deferred.conns.try_lock().is_err() {
                self.locked.fetch_add(1, Ordering::Relaxed);
            }
            false
        }
    }

    #[test]
    fn nobody_waits_for_what_is_being_sent() {
        for moment in [Moment::Batch, Moment::Turn, Moment::Early] {
            let deferred = Arc::new(Deferred::default());
            let probe = Arc::new(Probe {
                deferred: Arc::downgrade(&deferred),
                asked: AtomicU64::new(0),
                locked: AtomicU64::new(0),
            });
            deferred.add(&probe);
            deferred.flush(moment);
            let asked = probe.asked.load(Ordering::Relaxed);
            let locked = probe.locked.load(Ordering::Relaxed);
            assert!(
                locked < asked,
                "{moment:?}: locked {locked} of {asked} times"
            );
            assert!(crate::lock(&deferred.conns).is_empty());
        }
    }
}
