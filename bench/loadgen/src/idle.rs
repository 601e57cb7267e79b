//! Opens connections, sends one request on each if there is one, prints `ready`, and holds the connections
//! until standard input ends or the time is over.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::net::{self, Poller};
use crate::observe::Moment;
use crate::report::{Errors, Report, announce};
use crate::response::{Expect, HeadCache, Reader};

/// The most connections that are opened in a millisecond, and the most that wait for their response.
const PER_TICK: usize = 8;
const MAX_WAITING: usize = 128;
const TICK: Duration = Duration::from_millis(1);
/// How long it may take until all responses have arrived.
const OPENING: Duration = Duration::from_secs(30);

struct Conn {
    fd: OwnedFd,
    reader: Reader,
    sent: bool,
    answered: bool,
}

pub fn run(args: &mut Args) -> Result<String, String> {
    let common = args.common()?;
    let connections: usize = args.take("connections")?.unwrap_or(5000);
    let request = args.take_bytes("request")?;
    let expect = Expect { status: args.take("status")?.unwrap_or(200), body: None, body_length: None };
    args.finish()?;
    let stdin_token = connections;

    let mut poller = Poller::new()?;
    let mut conns: Vec<Option<Conn>> = Vec::with_capacity(connections);
    let mut cache = HeadCache::default();
    let mut errors = Errors::default();
    let mut buffer = vec![0; 64 * 1024];
    let mut events = Vec::new();
    let (mut answered, mut closed) = (0usize, 0u64);
    let mut until = Instant::now() + OPENING;
    let mut start = None;
    loop {
        let complete = conns.len() == connections
            && (request.is_none() || answered + errors.total() as usize >= connections);
        if complete && start.is_none() {
            announce("ready");
            start = Some(Moment::now(common.pid));
            until = Instant::now() + common.seconds;
            // This fails if standard input is no pipe or terminal. Then only the time ends the run.
            let _ = poller.add_readable(std::io::stdin(), stdin_token);
        }
        for _ in 0..PER_TICK {
            let waiting = if request.is_some() { conns.len() - answered } else { 0 };
            if conns.len() == connections || waiting >= MAX_WAITING {
                break;
            }
            let fd = net::connect(common.addr).map_err(|e| format!("connect: {e}"))?;
            poller.add(&fd, conns.len()).map_err(|e| format!("epoll_ctl: {e}"))?;
            conns.push(Some(Conn { fd, reader: Reader::new(), sent: false, answered: false }));
        }
        let now = Instant::now();
        if now >= until {
            break;
        }
        let wake = if conns.len() < connections { until.min(now + TICK) } else { until };
        poller.wait(&mut events, wake)?;
        let mut finished = false;
        for event in &events {
            if event.token == stdin_token {
                finished = true;
                continue;
            }
            let Some(conn) = &mut conns[event.token] else { continue };
            if let Some(request) = &request
                && event.writable
                && !conn.sent
            {
                match net::write(&conn.fd, request) {
                    Ok(n) => conn.sent = n == request.len(),
                    Err(_) => errors.add("write"),
                }
            }
            if !event.readable {
                continue;
            }
            let mut gone = false;
            match net::read(&conn.fd, &mut buffer) {
                Ok(None) => {}
                Ok(Some(0)) => gone = true,
                Ok(Some(n)) => {
                    let mut completed = 0;
                    match conn.reader.feed(&buffer[..n], &expect, &mut cache, || completed += 1) {
                        Err(kind) => errors.add(kind),
                        Ok(()) if completed > 0 && !conn.answered => {
                            conn.answered = true;
                            answered += 1;
                        }
                        Ok(()) => {}
                    }
                }
                Err(_) => gone = true,
            }
            if gone {
                closed += 1;
                if !conn.answered && request.is_some() {
                    errors.add("closed");
                }
                conns[event.token] = None;
            }
        }
        if finished {
            break;
        }
    }
    let Some(start) = start else {
        return Err(format!("{answered} of {connections} answered in time"));
    };
    let usage = start.until(&Moment::now(common.pid));
    Ok(Report::new("idle")
        .count("connections", connections as u64)
        .count("answered", answered as u64)
        .count("closed", closed)
        .errors(&errors)
        .usage(&usage)
        .finish())
}
