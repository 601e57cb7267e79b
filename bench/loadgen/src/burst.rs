//! Connections over a Unix domain socket that send bytes which the server has to refuse. Many are
//! opened and written to before the first reply is read. Such a connection costs a fraction of one over
//! TCP, so the generator can cause more refusals a second.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::report::{Errors, Report, announce};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(args: &mut Args) -> Result<String, String> {
    let path: String = args.take("path")?.ok_or("--path is missing")?;
    let seconds: f64 = args.take("seconds")?.unwrap_or(3.0);
    let connections: usize = args.take("connections")?.unwrap_or(64);
    let request = args.take_bytes("request")?.ok_or("--request is missing")?;
    let prefix = args.take_bytes("reply-prefix")?.unwrap_or_default();
    args.finish()?;
    let duration = Duration::try_from_secs_f64(seconds.min(600.0)).map_err(|e| e.to_string())?;

    announce("start");
    let begun = Instant::now();
    let (mut opened, mut refused) = (0, 0);
    let mut errors = Errors::default();
    let mut clients = Vec::with_capacity(connections);
    let mut reply = vec![0; prefix.len().max(1)];
    while begun.elapsed() < duration {
        for _ in 0..connections {
            let mut client = UnixStream::connect(&path).map_err(|e| format!("cannot connect: {e}"))?;
            client.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
            opened += 1;
            match client.write_all(&request) {
                Ok(()) => clients.push(client),
                Err(_) => errors.add("write"),
            }
        }
        for mut client in clients.drain(..) {
            match client.read_exact(&mut reply) {
                Ok(()) if reply.starts_with(&prefix) => refused += 1,
                Ok(()) => errors.add("another reply"),
                Err(_) => errors.add("no reply"),
            }
        }
    }
    Ok(Report::new("burst")
        .count("connections", connections as u64)
        .count("opened", opened)
        .count("requests", refused)
        .number("rps", refused as f64 / begun.elapsed().as_secs_f64())
        .errors(&errors)
        .finish())
}
