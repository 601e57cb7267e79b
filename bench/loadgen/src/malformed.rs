//! Connections that send bytes which the server has to refuse, read its reply, and wait for its close.
//! A closed loop keeps a number of them open. An open loop begins connections at a fixed rate, whatever
//! the server does; its latency counts from the time at which the connection was due.
//!
//! The reply is read when the server's FIN has arrived. That takes one wakeup and one read, and the
//! server sees the same packets as from other clients that read until the end.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::histogram::Histogram;
use crate::net::{self, Event, Poller};
use crate::observe::{self, Moment};
use crate::report::{Errors, Report, announce};

/// The most connections that an open loop has open. Further ones that are due are skipped and counted.
const MAX_OPEN: usize = 8192;
/// How long an open loop waits after the end for the replies that are still missing.
const GRACE: Duration = Duration::from_secs(2);
/// The largest reply. It fits into the socket's receive buffer, since nothing is read before the FIN.
const MAX_REPLY: usize = 16 * 1024;

/// What every thread has to do.
struct Work {
    addr: SocketAddr,
    request: Vec<u8>,
    prefix: Vec<u8>,
    rate: Option<f64>,
    warmup: Duration,
    seconds: Duration,
}

/// A place for one connection at a time.
#[derive(Default)]
struct Place {
    /// The socket is registered once and used for one connection after the other. A new socket for each
    /// connection costs a quarter more.
    socket: Option<OwnedFd>,
    /// When the open connection was due.
    due: Option<Instant>,
    sent: bool,
}

struct Load<'a> {
    work: &'a Work,
    poller: Poller,
    places: Vec<Place>,
    free: Vec<usize>,
    buffer: Vec<u8>,
    /// An open loop counts replies on connections that were due from this time on.
    count_from: Option<Instant>,
    stats: Stats,
}

struct Stats {
    opened: u64,
    refused: u64,
    skipped: u64,
    errors: Errors,
    latency: Histogram,
    /// The CPU time of the busiest thread. Before the merge, that of the thread itself.
    busiest: Duration,
}

impl Stats {
    fn new() -> Self {
        Self {
            opened: 0,
            refused: 0,
            skipped: 0,
            errors: Errors::default(),
            latency: Histogram::new(),
            busiest: Duration::ZERO,
        }
    }

    fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.refused += other.refused;
        self.skipped += other.skipped;
        self.errors.merge(&other.errors);
        self.latency.merge(&other.latency);
        self.busiest = self.busiest.max(other.busiest);
    }
}

pub fn run(args: &mut Args) -> Result<String, String> {
    let common = args.common()?;
    let rate: Option<f64> = args.take("rate")?;
    let connections: usize = args.take("connections")?.unwrap_or(16);
    let threads: usize = args.take("threads")?.unwrap_or(1);
    let request = args.take_bytes("request")?.ok_or("--request is missing")?;
    let prefix = args.take_bytes("reply-prefix")?.unwrap_or_default();
    args.finish()?;
    if rate.is_some() && threads != 1 {
        return Err("--rate and --threads exclude each other".into());
    }
    if !(1..=connections.max(1)).contains(&threads) {
        return Err("--threads has to be between 1 and --connections".into());
    }
    let places = if rate.is_some() { MAX_OPEN } else { connections };
    let (warmup, seconds) = (common.warmup, common.seconds);
    let work = Work { addr: common.addr, request, prefix, rate, warmup, seconds };

    let gate = Barrier::new(threads + 1);
    let (usage, stats) = thread::scope(|scope| {
        let loads: Vec<_> = (0..threads)
            .map(|i| {
                let share = places / threads + usize::from(i < places % threads);
                let (work, gate) = (&work, &gate);
                scope.spawn(move || one_thread(work, share, gate))
            })
            .collect();
        gate.wait();
        announce("start");
        let start = Moment::now(common.pid);
        gate.wait();
        gate.wait();
        let end = Moment::now(common.pid);
        gate.wait();
        let mut total = Stats::new();
        for load in loads {
            total.merge(&load.join().map_err(|_| "a thread panicked")??);
        }
        let mut usage = start.until(&end);
        if threads > 1 {
            usage.busiest = total.busiest;
        }
        Ok::<_, String>((usage, total))
    })?;

    Ok(Report::new("malformed")
        .number("rate", rate.unwrap_or(0.0))
        .count("connections", if rate.is_some() { 0 } else { places as u64 })
        .count("threads", threads as u64)
        .count("opened", stats.opened)
        .count("requests", stats.refused)
        .count("skipped", stats.skipped)
        .number("rps", stats.refused as f64 / usage.wall.as_secs_f64())
        .errors(&stats.errors)
        .latency(&stats.latency)
        .usage(&usage)
        .finish())
}

/// What one thread does. It waits at the gate for the measuring thread even if it has failed.
fn one_thread(work: &Work, places: usize, gate: &Barrier) -> Result<Stats, String> {
    let mut load = Load::new(work, places);
    let warmed = load.as_mut().map_or(Ok(()), |load| load.drive(work.warmup));
    gate.wait();
    gate.wait();
    let driven = load.as_mut().map_or(Ok(()), Load::measured);
    gate.wait();
    gate.wait();
    warmed.and(driven)?;
    let mut load = load?;
    // Connections of a closed loop that are still open count neither as refused nor as lost.
    if work.rate.is_some() {
        load.drain()?;
    }
    Ok(load.stats)
}

impl<'a> Load<'a> {
    fn new(work: &'a Work, places: usize) -> Result<Self, String> {
        Ok(Self {
            work,
            poller: Poller::new()?,
            places: (0..places).map(|_| Place::default()).collect(),
            free: (0..places).rev().collect(),
            buffer: vec![0; MAX_REPLY],
            count_from: None,
            stats: Stats::new(),
        })
    }

    fn measured(&mut self) -> Result<(), String> {
        self.stats = Stats::new();
        self.count_from = self.work.rate.map(|_| Instant::now());
        let before = observe::thread_cpu();
        self.drive(self.work.seconds)?;
        self.stats.busiest = observe::thread_cpu() - before;
        Ok(())
    }

    fn drive(&mut self, time: Duration) -> Result<(), String> {
        let start = Instant::now();
        let until = start + time;
        let mut events = Vec::new();
        let mut scheduled = 0u64;
        loop {
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            let mut wake = until;
            match self.work.rate {
                None => self.fill(now)?,
                Some(rate) => {
                    let due_at = |n: u64| start + Duration::from_secs_f64(n as f64 / rate);
                    while due_at(scheduled) <= now {
                        self.open(due_at(scheduled))?;
                        scheduled += 1;
                    }
                    wake = wake.min(due_at(scheduled));
                }
            }
            self.poller.wait(&mut events, wake)?;
            self.events(&events);
        }
    }

    fn drain(&mut self) -> Result<(), String> {
        let until = Instant::now() + GRACE;
        let mut events = Vec::new();
        while self.free.len() < self.places.len() && Instant::now() < until {
            self.poller.wait(&mut events, until)?;
            self.events(&events);
        }
        for due in self.places.iter().filter_map(|place| place.due) {
            if Some(due) >= self.count_from {
                self.stats.errors.add("unanswered");
            }
        }
        Ok(())
    }

    fn fill(&mut self, now: Instant) -> Result<(), String> {
        // A connection that fails at once frees its place again, so a loop until none is free might not end.
        for _ in 0..self.free.len() {
            self.open(now)?;
        }
        Ok(())
    }

    fn open(&mut self, due: Instant) -> Result<(), String> {
        let Some(token) = self.free.pop() else {
            self.stats.skipped += 1;
            return Ok(());
        };
        let place = &mut self.places[token];
        match &place.socket {
            Some(fd) => net::connect_again(fd, self.work.addr).map_err(|e| format!("connect: {e}"))?,
            None => {
                let fd = net::connect(self.work.addr).map_err(|e| format!("connect: {e}"))?;
                self.poller.add_end(&fd, token).map_err(|e| format!("epoll_ctl: {e}"))?;
                place.socket = Some(fd);
            }
        }
        place.due = Some(due);
        place.sent = false;
        self.stats.opened += 1;
        if let Err(kind) = self.send(token) {
            self.fail(token, kind);
        }
        Ok(())
    }

    fn send(&mut self, token: usize) -> Result<(), &'static str> {
        let place = &mut self.places[token];
        let Some(fd) = &place.socket else { return Ok(()) };
        match net::write(fd, &self.work.request) {
            Ok(0) => self.poller.and_writable(fd, token).map_err(|_| "epoll_ctl"),
            Ok(n) if n == self.work.request.len() => {
                place.sent = true;
                Ok(())
            }
            // The request is so short that the socket takes all of it or nothing.
            Ok(_) => Err("short_write"),
            Err(_) => Err("write"),
        }
    }

    fn fail(&mut self, token: usize, kind: &'static str) {
        self.stats.errors.add(kind);
        self.places[token] = Place::default();
        self.free.push(token);
    }

    fn events(&mut self, events: &[Event]) {
        for event in events {
            self.event(event);
        }
    }

    fn event(&mut self, event: &Event) {
        let place = &self.places[event.token];
        let Some(due) = place.due else { return };
        if event.writable
            && !place.sent
            && let Err(kind) = self.send(event.token)
        {
            self.fail(event.token, kind);
            return;
        }
        if event.readable {
            match self.finish(event, due) {
                Ok(()) => self.free.push(event.token),
                Err(kind) => self.fail(event.token, kind),
            }
        }
    }

    /// The server ended the connection: checks its reply, and makes the socket ready for the next.
    fn finish(&mut self, event: &Event, due: Instant) -> Result<(), &'static str> {
        let place = &mut self.places[event.token];
        place.due = None;
        let Some(fd) = &place.socket else { return Ok(()) };
        // The FIN follows the whole reply, so a read that does not fill the buffer has read all of it.
        let n = match net::read(fd, &mut self.buffer) {
            Ok(Some(n)) if event.ended && n < self.buffer.len() => n,
            Ok(Some(n)) if n == self.buffer.len() => return Err("reply"),
            _ => return Err("reset"),
        };
        if net::hang_up(fd).is_err() {
            place.socket = None;
        }
        if self.count_from.is_some_and(|from| due < from) {
            return Ok(());
        }
        if !self.buffer[..n].starts_with(&self.work.prefix) {
            return Err("reply");
        }
        self.stats.refused += 1;
        self.stats.latency.record(due.elapsed().as_nanos() as u64);
        Ok(())
    }
}
