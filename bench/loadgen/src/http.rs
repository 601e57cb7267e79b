//! A closed loop over keep-alive connections. Each sends a batch of `depth` requests, waits for all
//! of the responses, and sends the next batch.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::args::{Args, Common};
use crate::histogram::Histogram;
use crate::net::{self, Event, Poller};
use crate::observe::Moment;
use crate::report::{Errors, Report, announce};
use crate::response::{Expect, HeadCache, Reader};

/// The most connections that may wait for their first response. More could overflow the server's
/// backlog, and a dropped SYN is sent again only after a second.
const MAX_UNPROVEN: usize = 128;
/// A run with more errors than this measures nothing, so it ends early.
const MAX_ERRORS: u64 = 1000;
/// A response that takes longer counts as an error at the end.
const STALLED: Duration = Duration::from_secs(5);

/// What a batch sends: `head`, then `block` as often as `blocks` says, then `tail`.
struct Outgoing {
    head: Vec<u8>,
    block: Vec<u8>,
    blocks: u64,
    tail: Vec<u8>,
}

impl Outgoing {
    /// The bytes from `at` on that are contiguous in memory.
    fn piece(&self, at: u64) -> &[u8] {
        let head = self.head.len() as u64;
        let block = self.block.len() as u64;
        if at < head {
            &self.head[at as usize..]
        } else if at - head < self.blocks * block {
            &self.block[((at - head) % block) as usize..]
        } else {
            &self.tail[(at - head - self.blocks * block) as usize..]
        }
    }
}

struct Conn {
    fd: OwnedFd,
    reader: Reader,
    sent_at: Instant,
    /// Responses of the batch that are still to come.
    awaiting: u32,
    /// How many bytes of the batch were written; `None` when all were.
    written: Option<u64>,
    proven: bool,
}

enum Fate {
    Keep,
    /// The server closed the connection as it had announced. Nothing was lost.
    Closed,
    Failed(&'static str),
}

struct Load {
    common: Common,
    poller: Poller,
    out: Outgoing,
    depth: u32,
    expect: Expect,
    cache: HeadCache,
    conns: Vec<Option<Conn>>,
    open: usize,
    unproven: usize,
    /// While connections are being opened, those that had their first response send nothing. A server
    /// under full load may accept only one connection in each turn of its event loop.
    opening: bool,
    buffer: Vec<u8>,
    stats: Stats,
}

#[derive(Default)]
struct Stats {
    requests: u64,
    bytes_in: u64,
    bytes_out: u64,
    reconnects: u64,
    errors: Errors,
    latency: Option<Histogram>,
}

pub fn run(args: &mut Args) -> Result<String, String> {
    let common = args.common()?;
    let connections: usize = args.take("connections")?.unwrap_or(64);
    let depth: u32 = args.take("depth")?.unwrap_or(1).max(1);
    let limit: u64 = args.take("requests")?.unwrap_or(u64::MAX);
    let expect = Expect {
        status: args.take("status")?.unwrap_or(200),
        body: args.take_bytes("body")?,
        body_length: args.take("body-length")?,
    };
    let out = outgoing(args, depth)?;
    args.finish()?;
    let (warmup, seconds, pid) = (common.warmup, common.seconds, common.pid);
    let mut load = Load {
        common,
        poller: Poller::new()?,
        out,
        depth,
        expect,
        cache: HeadCache::default(),
        conns: Vec::new(),
        open: 0,
        unproven: 0,
        opening: true,
        buffer: vec![0; 256 * 1024],
        stats: Stats::default(),
    };
    load.conns.resize_with(connections, || None);

    load.drive(connections, |load| load.unproven == 0, STALLED * 4)?;
    if load.unproven > 0 {
        return Err(format!("{} of {connections} connections were never answered", load.unproven));
    }
    load.release();
    load.drive(connections, |_| false, warmup)?;
    let early = std::mem::take(&mut load.stats).errors;
    load.stats.latency = Some(Histogram::new());
    announce("start");
    let start = Moment::now(pid);
    load.drive(connections, |load| load.stats.requests >= limit, seconds)?;
    let end = Moment::now(pid);

    let usage = start.until(&end);
    let now = Instant::now();
    for conn in load.conns.iter().flatten() {
        if conn.awaiting > 0 && now - conn.sent_at > STALLED {
            load.stats.errors.add("stalled");
        }
    }
    let stats = &load.stats;
    let per_second = |n: u64| n as f64 / usage.wall.as_secs_f64();
    Ok(Report::new("http")
        .count("connections", connections as u64)
        .count("depth", u64::from(depth))
        .count("requests", stats.requests)
        .number("rps", per_second(stats.requests))
        .count("bytesIn", stats.bytes_in)
        .count("bytesOut", stats.bytes_out)
        .number("megabytesPerSecond", per_second(stats.bytes_in.max(stats.bytes_out)) / 1e6)
        .count("reconnects", stats.reconnects)
        .count("warmupErrors", early.total())
        .errors(&stats.errors)
        .latency(stats.latency.as_ref().unwrap_or(&Histogram::new()))
        .usage(&usage)
        .finish())
}

fn outgoing(args: &mut Args, depth: u32) -> Result<Outgoing, String> {
    let request = args.take_bytes("request")?.ok_or("--request is missing")?;
    let Some(bytes) = args.take::<u64>("upload")? else {
        return Ok(Outgoing {
            head: request.repeat(depth as usize),
            block: Vec::new(),
            blocks: 0,
            tail: Vec::new(),
        });
    };
    if depth != 1 {
        return Err("--upload and --depth exclude each other".into());
    }
    let mut head = request;
    Ok(match args.take::<usize>("chunked")? {
        Some(chunk) => {
            if chunk == 0 || !bytes.is_multiple_of(chunk as u64) {
                return Err("--chunked has to divide --upload".into());
            }
            head.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            let mut block = format!("{chunk:x}\r\n").into_bytes();
            block.resize(block.len() + chunk, b'u');
            block.extend_from_slice(b"\r\n");
            Outgoing { head, block, blocks: bytes / chunk as u64, tail: b"0\r\n\r\n".to_vec() }
        }
        None => {
            head.extend_from_slice(format!("Content-Length: {bytes}\r\n\r\n").as_bytes());
            let block = 256 * 1024;
            let tail = vec![b'u'; (bytes % block) as usize];
            Outgoing { head, block: vec![b'u'; block as usize], blocks: bytes / block, tail }
        }
    })
}

impl Load {
    fn drive(
        &mut self,
        connections: usize,
        done: impl Fn(&Self) -> bool,
        time: Duration,
    ) -> Result<(), String> {
        let until = Instant::now() + time;
        let mut events = Vec::new();
        loop {
            self.open_missing(connections)?;
            if done(self) || Instant::now() >= until {
                return Ok(());
            }
            if self.stats.errors.total() > MAX_ERRORS {
                return Err(format!(
                    "more than {MAX_ERRORS} errors: {}",
                    Report::new("http").errors(&self.stats.errors).finish()
                ));
            }
            self.poller.wait(&mut events, until)?;
            for event in &events {
                self.event(event);
            }
        }
    }

    fn open_missing(&mut self, connections: usize) -> Result<(), String> {
        if self.open == connections {
            return Ok(());
        }
        for token in 0..connections {
            if self.unproven >= MAX_UNPROVEN {
                return Ok(());
            }
            if self.conns[token].is_some() {
                continue;
            }
            let fd = net::connect(self.common.addr).map_err(|e| format!("connect: {e}"))?;
            self.poller.add(&fd, token).map_err(|e| format!("epoll_ctl: {e}"))?;
            let mut conn = Conn {
                fd,
                reader: Reader::new(),
                sent_at: Instant::now(),
                awaiting: 0,
                written: None,
                proven: false,
            };
            self.open += 1;
            self.unproven += 1;
            let fate = self.send_batch(&mut conn, Instant::now());
            self.settle(token, conn, fate);
        }
        Ok(())
    }

    /// Ends the opening phase. Every connection sends from now on.
    fn release(&mut self) {
        self.opening = false;
        for token in 0..self.conns.len() {
            let Some(mut conn) = self.conns[token].take() else { continue };
            let fate =
                if conn.awaiting == 0 { self.send_batch(&mut conn, Instant::now()) } else { Fate::Keep };
            self.settle(token, conn, fate);
        }
    }

    fn event(&mut self, event: &Event) {
        let Some(mut conn) = self.conns[event.token].take() else { return };
        let mut fate = Fate::Keep;
        if event.writable && conn.written.is_some() {
            fate = self.write(&mut conn);
        }
        if event.readable && matches!(fate, Fate::Keep) {
            fate = self.read(&mut conn);
        }
        self.settle(event.token, conn, fate);
    }

    fn settle(&mut self, token: usize, conn: Conn, fate: Fate) {
        match fate {
            Fate::Keep => {
                self.conns[token] = Some(conn);
                return;
            }
            Fate::Closed => self.stats.reconnects += 1,
            Fate::Failed(kind) => {
                self.stats.reconnects += 1;
                self.stats.errors.add(kind);
            }
        }
        self.open -= 1;
        if !conn.proven {
            self.unproven -= 1;
        }
    }

    fn send_batch(&mut self, conn: &mut Conn, now: Instant) -> Fate {
        conn.sent_at = now;
        conn.awaiting = self.depth;
        conn.written = Some(0);
        self.write(conn)
    }

    fn write(&mut self, conn: &mut Conn) -> Fate {
        let Some(mut at) = conn.written else { return Fate::Keep };
        loop {
            let piece = self.out.piece(at);
            if piece.is_empty() {
                conn.written = None;
                return Fate::Keep;
            }
            match net::write(&conn.fd, piece) {
                Ok(n) => {
                    at += n as u64;
                    self.stats.bytes_out += n as u64;
                    conn.written = Some(at);
                    if n < piece.len() {
                        return Fate::Keep;
                    }
                }
                Err(_) => return Fate::Failed("write"),
            }
        }
    }

    fn read(&mut self, conn: &mut Conn) -> Fate {
        loop {
            let n = match net::read(&conn.fd, &mut self.buffer) {
                Ok(None) => return Fate::Keep,
                Ok(Some(0)) => return self.eof(conn),
                Ok(Some(n)) => n,
                Err(_) => return Fate::Failed("reset"),
            };
            self.stats.bytes_in += n as u64;
            let mut completed = 0u32;
            let fed = conn.reader.feed(&self.buffer[..n], &self.expect, &mut self.cache, || completed += 1);
            if completed > conn.awaiting {
                return Fate::Failed("unasked_response");
            }
            // The same time ends these requests and begins the next.
            let now = Instant::now();
            self.completed(conn, completed, now);
            if let Err(kind) = fed {
                return Fate::Failed(kind);
            }
            if conn.awaiting == 0 && !conn.reader.closes() && !self.opening {
                if conn.written.is_some() {
                    return Fate::Failed("early_response");
                }
                match self.send_batch(conn, now) {
                    Fate::Keep => {}
                    other => return other,
                }
            }
            // A short read emptied the socket, so bytes that arrive later are a new edge.
            if n < self.buffer.len() {
                return Fate::Keep;
            }
        }
    }

    fn eof(&mut self, conn: &mut Conn) -> Fate {
        match conn.reader.eof(&self.expect) {
            Ok(true) if conn.awaiting == 1 => {
                self.completed(conn, 1, Instant::now());
                Fate::Closed
            }
            Ok(_) if conn.awaiting == 0 && conn.reader.closes() => Fate::Closed,
            Ok(_) => Fate::Failed("closed"),
            Err(kind) => Fate::Failed(kind),
        }
    }

    fn completed(&mut self, conn: &mut Conn, n: u32, now: Instant) {
        if n == 0 {
            return;
        }
        conn.awaiting -= n;
        if !conn.proven {
            conn.proven = true;
            self.unproven -= 1;
        }
        self.stats.requests += u64::from(n);
        if let Some(latency) = &mut self.stats.latency {
            let ns = (now - conn.sent_at).as_nanos() as u64;
            for _ in 0..n {
                latency.record(ns);
            }
        }
    }
}
