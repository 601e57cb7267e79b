//! Output that waits for the end of a batch of deliveries, so that the responses of the batch leave together. If a turn
//! of the JavaScript thread does not end, the accept thread sends what has waited for too long.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::alarm::{Alarm, Bell};
use crate::record::now;
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

/// How long the accept thread lets output wait. Each time that thread is woken for a look takes some 30 us of a
/// processor. So it has an alarm that rings only after the JavaScript thread has stopped setting it. Without an alarm
/// it looks again and again, and sleeps meanwhile as long as this allows.
const HOLD: Duration = Duration::from_millis(limit(2, 0) as u64);

/// After so many looks without deferred output the accept thread stops looking.
const IDLE_LOOKS: usize = limit(25, 1);

/// The connections that have deferred output.
#[derive(Debug)]
pub struct Deferred<T> {
    waiting: Mutex<Waiting<T>>,
    /// The number of batches that the JavaScript thread has flushed.
    flushed: AtomicU64,
    /// The accept thread looks after the connections, or `wanted` tells it to.
    watched: AtomicBool,
    wanted: Notify,
}

#[derive(Debug)]
struct Waiting<T> {
    conns: Vec<Arc<T>>,
    /// Since when the first of them waits, if there is one.
    since: u64,
    /// Wakes the accept thread, while it waits for that.
    alarm: Option<Alarm>,
    /// When the alarm rings, or rang last.
    rings: u64,
}

impl<T> Waiting<T> {
    /// The first connection waits now.
    fn begin(&mut self) {
        self.since = now();
        // An alarm that rings too early does no harm, since it is set again then. So it is not set for each batch.
        if self.rings < self.since + HOLD.as_nanos() as u64 / 2 {
            self.set_alarm(self.since, HOLD);
        }
    }

    fn set_alarm(&mut self, now: u64, after: Duration) {
        if let Some(alarm) = &self.alarm {
            alarm.set(after);
            self.rings = now + after.as_nanos() as u64;
        }
    }

    /// How long output may still wait at a time. It is the whole time if there is none.
    fn left(&self, at: u64) -> Duration {
        if self.conns.is_empty() {
            return HOLD;
        }
        HOLD.saturating_sub(Duration::from_nanos(at.saturating_sub(self.since)))
    }
}

impl<T> Default for Deferred<T> {
    fn default() -> Deferred<T> {
        Deferred {
            waiting: Mutex::new(Waiting {
                conns: Vec::new(),
                since: 0,
                alarm: None,
                rings: 0,
            }),
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
            let mut waiting = crate::lock(&self.waiting);
            match waiting.conns.last() {
                Some(last) if Arc::ptr_eq(last, conn) => return,
                Some(_) => {}
                None => waiting.begin(),
            }
            waiting.conns.push(conn.clone());
            if waiting.alarm.is_some() {
                return;
            }
        }
        // The accept thread looks at the list once more after it has cleared this, so it is enough to read it first.
        if !self.watched.load(Ordering::Acquire) && !self.watched.swap(true, Ordering::AcqRel) {
            self.wanted.notify_one();
        }
    }

    /// Sends the output that is due at this moment. It does not hold the lock meanwhile, so that other threads can add
    /// connections.
    pub fn flush(&self, moment: Moment) {
        let mut waiting = crate::lock(&self.waiting);
        if waiting.conns.is_empty() {
            return;
        }
        self.flushed.fetch_add(1, Ordering::Relaxed);
        if moment == Moment::Early {
            // They stay in the list meanwhile, so that a turn that ends now finds those whose FIN is due.
            let batch = waiting.conns.clone();
            waiting.since = now();
            drop(waiting);
            for conn in &batch {
                conn.flush(moment);
            }
            // Hardly anything is left to be sent, so the lock may be held.
            let mut waiting = crate::lock(&self.waiting);
            waiting.conns.retain(|conn| conn.flush(moment));
            return;
        }
        let mut batch = std::mem::take(&mut waiting.conns);
        drop(waiting);
        batch.retain(|conn| conn.flush(moment));
        let mut waiting = crate::lock(&self.waiting);
        if waiting.conns.is_empty() && !batch.is_empty() {
            waiting.begin();
        }
        batch.append(&mut waiting.conns);
        waiting.conns = batch;
    }

    fn left(&self, at: u64) -> Duration {
        crate::lock(&self.waiting).left(at)
    }

    /// The task of the accept thread that looks after the connections. It ends with the accept thread's runtime.
    pub async fn watch(self: Arc<Self>) {
        let _passed_on = PassedOn(&self);
        if let Ok((alarm, bell)) = Alarm::new() {
            self.watch_by(&alarm, &bell).await;
            // The bell has failed. What was added meanwhile has told nobody.
            self.watched.store(true, Ordering::Release);
            self.wanted.notify_one();
        }
        self.watch_in_turns().await;
    }

    /// Looks after the connections when the alarm rings, as long as the bell works.
    async fn watch_by(&self, alarm: &Alarm, bell: &Bell) {
        let _unset = Unset(self, alarm);
        {
            // What was added before has set no alarm.
            let mut waiting = crate::lock(&self.waiting);
            waiting.alarm = Some(alarm.clone());
            waiting.set_alarm(now(), HOLD);
        }
        while bell.rings().await.is_ok() {
            if self.left(now()).is_zero() {
                self.flush(Moment::Early);
            }
            let mut waiting = crate::lock(&self.waiting);
            if !waiting.conns.is_empty() {
                let at = now();
                let left = waiting.left(at);
                waiting.set_alarm(at, left);
            }
        }
    }

    /// Looks after the connections again and again, for some time after the last one was added.
    async fn watch_in_turns(&self) {
        loop {
            self.wanted.notified().await;
            let mut idle = 0;
            let mut seen = self.flushed.load(Ordering::Relaxed);
            while idle < IDLE_LOOKS {
                sleep(self.left(now())).await;
                if self.left(now()).is_zero() {
                    self.flush(Moment::Early);
                }
                let flushed = self.flushed.load(Ordering::Relaxed);
                idle = if flushed == seen { idle + 1 } else { 0 };
                seen = flushed;
            }
            self.watched.store(false, Ordering::Release);
            if !crate::lock(&self.waiting).conns.is_empty() {
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

/// Takes an alarm away whose bell nobody hears any more. The next accept thread may have put its own there.
struct Unset<'a, T>(&'a Deferred<T>, &'a Alarm);

impl<T> Drop for Unset<'_, T> {
    fn drop(&mut self) {
        let Unset(deferred, ours) = self;
        let mut waiting = crate::lock(&deferred.waiting);
        waiting.alarm.take_if(|alarm| alarm.is(ours));
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
            if deferred.waiting.try_lock().is_err() {
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
            assert!(crate::lock(&deferred.waiting).conns.is_empty());
        }
    }

    /// Tells at which time it was flushed early.
    struct Clock {
        early: std::sync::mpsc::Sender<u64>,
    }

    impl Flush for Clock {
        fn flush(self: &Arc<Self>, moment: Moment) -> bool {
            if moment == Moment::Early {
                // After the first time the list is tidied, and the test no longer listens.
                let _ = self.early.send(now());
            }
            false
        }
    }

    #[test]
    fn output_waits_as_long_as_it_may_and_no_longer() {
        let deferred = Deferred::default();
        assert_eq!(deferred.left(now()), HOLD);
        for _ in 0..2 {
            let before = now();
            for _ in 0..2 {
                let (early, _) = std::sync::mpsc::channel();
                deferred.add(&Arc::new(Clock { early }));
            }
            let since = crate::lock(&deferred.waiting).since;
            assert!(since >= before, "what has left does not count");
            assert_eq!(deferred.left(since), HOLD);
            let half = HOLD / 2;
            assert_eq!(deferred.left(since + half.as_nanos() as u64), half);
            assert_eq!(
                deferred.left(since + HOLD.as_nanos() as u64),
                Duration::ZERO
            );
            deferred.flush(Moment::Batch);
        }
    }

    /// Lets a thread look after connections, with an alarm where the system has one, or without.
    fn watched(by_alarm: bool) -> Arc<Deferred<Clock>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let deferred = Arc::new(Deferred::default());
        let watch = deferred.clone();
        std::thread::spawn(move || match by_alarm {
            true => runtime.block_on(watch.watch()),
            false => runtime.block_on(watch.watch_in_turns()),
        });
        deferred
    }

    /// Waits until the accept thread has sent the output. Returns for how long that took.
    fn wait_for_early(deferred: &Deferred<Clock>) -> Duration {
        let (early, told) = std::sync::mpsc::channel();
        let begun = now();
        deferred.add(&Arc::new(Clock { early }));
        let sent = told.recv_timeout(Duration::from_secs(20));
        let waited = Duration::from_nanos(sent.expect("it is sent") - begun);
        // Until then the accept thread goes through the list once more, and would send what is new there.
        while !crate::lock(&deferred.waiting).conns.is_empty() {
            std::thread::yield_now();
        }
        waited
    }

    #[test]
    fn what_has_waited_too_long_is_sent() {
        for by_alarm in [true, false] {
            let deferred = watched(by_alarm);
            for _ in 0..3 {
                let waited = wait_for_early(&deferred);
                assert!(waited >= HOLD, "it waited for {waited:?}");
            }
        }
    }

    #[test]
    fn an_alarm_that_rings_for_an_earlier_batch_is_set_again() {
        let deferred = watched(true);
        for pause in [0, 1, 3, 5, 8] {
            let (early, _) = std::sync::mpsc::channel();
            deferred.add(&Arc::new(Clock { early }));
            deferred.flush(Moment::Batch);
            std::thread::sleep(HOLD * pause / 4);
            let waited = wait_for_early(&deferred);
            assert!(waited >= HOLD, "it waited for {waited:?}");
        }
    }

    #[test]
    fn an_alarm_is_not_set_for_each_batch() {
        let deferred = Deferred::<Clock>::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let _entered = runtime.enter();
        let Ok((alarm, _bell)) = Alarm::new() else {
            return;
        };
        let mut waiting = crate::lock(&deferred.waiting);
        waiting.alarm = Some(alarm);
        waiting.begin();
        let half = HOLD.as_nanos() as u64 / 2;
        let set = waiting.rings;
        assert_eq!(set, waiting.since + 2 * half);
        loop {
            waiting.begin();
            if waiting.since > set - half {
                break;
            }
            assert_eq!(waiting.rings, set);
        }
        assert_eq!(waiting.rings, waiting.since + 2 * half);
    }
}
