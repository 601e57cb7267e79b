//! Connections whose request head arrives one byte at a time and never ends. The bytes are spread evenly over time.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::net::{self, Poller};
use crate::observe::Moment;
use crate::report::{Errors, Report, announce};

const START: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n";
const LINE: &[u8] = b"X-Drip: 0123456789\r\n";

struct Conn {
    fd: OwnedFd,
    at: usize,
}

fn byte(at: usize) -> u8 {
    START.get(at).copied().unwrap_or_else(|| LINE[(at - START.len()) % LINE.len()])
}

pub fn run(args: &mut Args) -> Result<String, String> {
    let common = args.common()?;
    let connections: usize = args.take("connections")?.unwrap_or(500).max(1);
    let interval: u64 = args.take("interval-ms")?.unwrap_or(100).max(1);
    args.finish()?;

    let mut poller = Poller::new()?;
    let open = |poller: &Poller, token: usize| -> Result<Conn, String> {
        let fd = net::connect(common.addr).map_err(|e| format!("connect: {e}"))?;
        poller.add(&fd, token).map_err(|e| format!("epoll_ctl: {e}"))?;
        Ok(Conn { fd, at: 0 })
    };
    let mut conns = Vec::with_capacity(connections);
    for token in 0..connections {
        conns.push(open(&poller, token)?);
        // So many at once fit into every backlog.
        if token % 64 == 63 {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    let mut errors = Errors::default();
    let mut events = Vec::new();
    let mut buffer = [0; 4096];
    let (mut sent, mut closed) = (0u64, 0u64);
    // Bytes per second over all connections.
    let rate = connections as f64 * 1000.0 / interval as f64;
    let first = Instant::now();
    let warm = first + common.warmup;
    let until = warm + common.seconds;
    let mut turn = 0u64;
    let mut start = None;
    loop {
        let now = Instant::now();
        if start.is_none() && now >= warm {
            announce("start");
            start = Some(Moment::now(common.pid));
            (sent, closed) = (0, 0);
        }
        if now >= until {
            break;
        }
        let due = ((now - first).as_secs_f64() * rate) as u64;
        while turn < due {
            let token = (turn % connections as u64) as usize;
            turn += 1;
            let conn = &mut conns[token];
            match net::write(&conn.fd, &[byte(conn.at)]) {
                Ok(1) => {
                    conn.at += 1;
                    sent += 1;
                }
                Ok(_) => errors.add("full"),
                // The end of the connection is noticed below.
                Err(_) => {}
            }
        }
        let next = first + Duration::from_secs_f64((turn + 1) as f64 / rate);
        poller.wait(&mut events, until.min(next.max(now + Duration::from_millis(1))))?;
        for event in &events {
            if !event.readable {
                continue;
            }
            let conn = &mut conns[event.token];
            let gone = !matches!(net::read(&conn.fd, &mut buffer), Ok(None));
            if gone {
                closed += 1;
                *conn = open(&poller, event.token)?;
            }
        }
    }
    let Some(start) = start else { return Err("ended before the measured time began".into()) };
    let usage = start.until(&Moment::now(common.pid));
    Ok(Report::new("drip")
        .count("connections", connections as u64)
        .count("bytesOut", sent)
        .number("bytesPerSecond", sent as f64 / usage.wall.as_secs_f64())
        .count("closed", closed)
        .errors(&errors)
        .usage(&usage)
        .finish())
}
