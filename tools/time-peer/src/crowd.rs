//! Clients that run on their own, each in a thread. They measure how long a server takes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::wire::Answer;

/// Every response contains this once.
const MARK: &[u8] = b"HTTP/1.1 200";

#[derive(Default)]
struct Progress {
    answered: AtomicU64,
    /// Microseconds from connect to the last response or the end of the connection; 0 until then.
    took: AtomicU64,
}

#[derive(Default)]
pub struct Crowd(Vec<Arc<Progress>>);

impl Crowd {
    /// Starts a connection that sends the same request many times without waiting. Returns its number.
    pub fn flood(&mut self, port: u16, requests: u32, request: Vec<u8>) -> u64 {
        let progress = self.start();
        thread::spawn(move || run(port, requests.into(), &request, &progress));
        self.0.len() as u64 - 1
    }

    /// Starts a connection with one request. Returns its number.
    pub fn ask(&mut self, port: u16, request: Vec<u8>) -> u64 {
        self.flood(port, 1, request)
    }

    pub fn progress(&self, id: u32, answer: &mut Answer) {
        let read = |of: fn(&Progress) -> &AtomicU64| {
            self.0.get(id as usize).map_or(0, |progress| of(progress).load(Ordering::Acquire))
        };
        answer.number(read(|progress| &progress.answered));
        answer.number(read(|progress| &progress.took));
    }

    fn start(&mut self) -> Arc<Progress> {
        let progress = Arc::new(Progress::default());
        self.0.push(Arc::clone(&progress));
        progress
    }
}

fn run(port: u16, requests: u64, request: &[u8], progress: &Progress) {
    let begin = Instant::now();
    // A failure shows in the number of responses.
    let _ = exchange(port, requests, request, progress);
    let took = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
    progress.took.store(took.max(1), Ordering::Release);
}

fn exchange(port: u16, requests: u64, request: &[u8], progress: &Progress) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let mut writer = stream.try_clone()?;
    let all = request.repeat(requests as usize);
    let writing = thread::spawn(move || writer.write_all(&all));
    let mut buffer = vec![0; 1 << 16];
    let mut kept = 0;
    let mut answered = 0;
    while answered < requests {
        let length = stream.read(&mut buffer[kept..])?;
        if length == 0 {
            break;
        }
        let end = kept + length;
        answered += buffer[..end].windows(MARK.len()).filter(|bytes| *bytes == MARK).count() as u64;
        progress.answered.store(answered, Ordering::Release);
        // A mark may be divided between two reads.
        kept = end.min(MARK.len() - 1);
        buffer.copy_within(end - kept..end, 0);
    }
    drop(stream);
    let _ = writing.join();
    Ok(())
}
