//! Connections that send bytes the server has to refuse, read its reply, and wait for its close.
//! Either a closed loop of so many at a time, or an open loop at a fixed rate whatever the server
//! does; there latency counts from the moment at which the connection was due.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::args::{Args, Common};
use crate::histogram::Histogram;
use crate::net::{self, Event, Poller};
use crate::observe::Moment;
use crate::report::{Errors, Report, announce};

/// The most connections that an open loop has open; those that are due beyond it are skipped and counted.
const MAX_OPEN: usize = 8192;
/// How long after the end an open loop waits for the replies that are still due.
const GRACE: Duration = Duration::from_secs(2);

struct Conn {
    fd: OwnedFd,
    due: Instant,
    sent: bool,
    reply: Vec<u8>,
}

struct Load {
    common: Common,
    poller: Poller,
    request: Vec<u8>,
    prefix: Vec<u8>,
    conns: Vec<Option<Conn>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
    /// An open loop counts the replies to what was due from here on, so that all of it can be told.
    count_from: Option<Instant>,
    stats: Stats,
}

#[derive(Default)]
struct Stats {
    opened: u64,
    refused: u64,
    skipped: u64,
    errors: Errors,
    latency: Option<Histogram>,
}

pub fn run(args: &mut Args) -> Result<String, String> {
    let common = args.common()?;
    let rate: Option<f64> = args.take("rate")?;
    let connections: usize = args.take("connections")?.unwrap_or(16);
    let request = args.take_bytes("request")?.ok_or("--request is missing")?;
    let prefix = args.take_bytes("reply-prefix")?.unwrap_or_default();
    args.finish()?;
    let slots = if rate.is_some() { MAX_OPEN } else { connections };
    let (warmup, seconds, pid) = (common.warmup, common.seconds, common.pid);
    let mut load = Load {
        common,
        poller: Poller::new()?,
        request,
        prefix,
        conns: Vec::new(),
        free: (0..slots).rev().collect(),
        buffer: vec![0; 16 * 1024],
        count_from: None,
        stats: Stats::default(),
    };
    load.conns.resize_with(slots, || None);

    load.drive(rate, warmup)?;
    load.stats = Stats { latency: Some(Histogram::new()), ..Stats::default() };
    announce("start");
    let start = Moment::now(pid);
    load.count_from = rate.map(|_| Instant::now());
    load.drive(rate, seconds)?;
    let end = Moment::now(pid);
    // What the closed loop had in flight was neither refused nor lost.
    if rate.is_some() {
        load.drain()?;
        let left = load.conns.iter().flatten().filter(|c| Some(c.due) >= load.count_from).count();
        for _ in 0..left {
            load.stats.errors.add("unanswered");
        }
    }

    let usage = start.until(&end);
    let stats = &load.stats;
    Ok(Report::new("malformed")
        .number("rate", rate.unwrap_or(0.0))
        .count("connections", if rate.is_some() { 0 } else { slots as u64 })
        .count("opened", stats.opened)
        .count("requests", stats.refused)
        .count("skipped", stats.skipped)
        .number("rps", stats.refused as f64 / usage.wall.as_secs_f64())
        .errors(&stats.errors)
        .latency(stats.latency.as_ref().unwrap_or(&Histogram::new()))
        .usage(&usage)
        .finish())
}

impl Load {
    fn drive(&mut self, rate: Option<f64>, time: Duration) -> Result<(), String> {
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
            match rate {
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
        while self.free.len() < self.conns.len() && Instant::now() < until {
            self.poller.wait(&mut events, until)?;
            self.events(&events);
        }
        Ok(())
    }

    fn fill(&mut self, now: Instant) -> Result<(), String> {
        // A connection that fails at once frees its place, so count rather than wait for none free.
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
        let fd = net::connect(self.common.addr).map_err(|e| format!("connect: {e}"))?;
        self.poller.add(&fd, token).map_err(|e| format!("epoll_ctl: {e}"))?;
        self.stats.opened += 1;
        let mut conn = Conn { fd, due, sent: false, reply: Vec::new() };
        match self.send(&mut conn) {
            Ok(()) => self.conns[token] = Some(conn),
            Err(kind) => {
                self.stats.errors.add(kind);
                self.free.push(token);
            }
        }
        Ok(())
    }

    fn send(&self, conn: &mut Conn) -> Result<(), &'static str> {
        match net::write(&conn.fd, &self.request) {
            Ok(0) => Ok(()),
            Ok(n) if n == self.request.len() => {
                conn.sent = true;
                Ok(())
            }
            // So short a request that the socket takes it whole or not at all.
            Ok(_) => Err("short_write"),
            Err(_) => Err("write"),
        }
    }

    fn counts(&self, conn: &Conn) -> bool {
        self.count_from.is_none_or(|from| conn.due >= from)
    }

    fn events(&mut self, events: &[Event]) {
        for event in events {
            let Some(mut conn) = self.conns[event.token].take() else { continue };
            if self.event(event, &mut conn) {
                self.conns[event.token] = Some(conn);
            } else {
                self.free.push(event.token);
            }
        }
    }

    /// Whether the connection goes on.
    fn event(&mut self, event: &Event, conn: &mut Conn) -> bool {
        if event.writable
            && !conn.sent
            && let Err(kind) = self.send(conn)
        {
            self.stats.errors.add(kind);
            return false;
        }
        if !event.readable {
            return true;
        }
        loop {
            match net::read(&conn.fd, &mut self.buffer) {
                Ok(None) => return true,
                Ok(Some(0)) if !self.counts(conn) => return false,
                Ok(Some(0)) => {
                    if !conn.reply.starts_with(&self.prefix) {
                        self.stats.errors.add("reply");
                    } else {
                        self.stats.refused += 1;
                        if let Some(latency) = &mut self.stats.latency {
                            latency.record(conn.due.elapsed().as_nanos() as u64);
                        }
                    }
                    return false;
                }
                Ok(Some(n)) => conn.reply.extend_from_slice(&self.buffer[..n]),
                Err(_) => {
                    self.stats.errors.add("reset");
                    return false;
                }
            }
        }
    }
}
