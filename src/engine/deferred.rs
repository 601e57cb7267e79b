//! Output that waits for the end of a batch of deliveries, so that a burst of responses leaves in
//! a burst. A turn of the JavaScript thread that does not end holds nothing back: the accept thread looks
//! after what has waited for longer than a tick.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, limit, sleep};

/// Output that was deferred, to be sent now.
pub trait Flush {
    /// Sends it, as far as it is for this moment. What the kernel does not take is left to a task. Whether something
    /// is still to be sent, at the end of the turn.
    fn flush(self: &Arc<Self>, moment: Moment) -> bool;
}

/// When something is sent that was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The deliveries of a batch have been told.
    Batch,
    /// The turn has ended: what libuv does after all events. FIN leaves now.
    Turn,
    /// A turn does not end.
    Early,
}

/// What the accept thread lets output wait, once to twice.
const TICK: Duration = Duration::from_millis(1);

/// Ticks without deferred output after which the accept thread stops looking.
const IDLE_TICKS: usize = limit(50, 1);

/// The connections that have deferred output.
#[derive(Debug)]
pub struct Deferred<T> {
    conns: Mutex<Vec<Arc<T>>>,
    /// Batches that the JavaScript thread has flushed.
    flushed: AtomicU64,
    /// Somebody looks after them, or is told to by `wanted`.
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

    /// Sends what is held back, as far as it is for this moment. Nobody waits meanwhile who remembers another.
    pub fn flush(&self, moment: Moment) {
        let mut conns = crate::lock(&self.conns);
        if conns.is_empty() {
            return;
        }
        self.flushed.fetch_add(1, Ordering::Relaxed);
        if moment == Moment::Early {
            // They stay meanwhile: a turn that ends finds those whose FIN is due.
            let batch = conns.clone();
            drop(conns);
            for conn in &batch {
                conn.flush(moment);
            }
            // Little is left to be sent now, if anything.
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

    /// The accept thread's task; ends with its runtime.
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

/// An accept thread that ends may have been told to look, or be looking: the next one does, which may have begun before.
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
