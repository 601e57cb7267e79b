//! One client. Bytes that cannot be sent yet are kept in order, and a FIN behind them waits, too.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use crate::socket::{self, Socket};
use crate::wire::{Action, Answer};

/// How many of the bytes read are kept. All bytes also go into a hash.
const KEPT: usize = 4096;
const READ_AT_ONCE: usize = 1 << 18;
/// How long to wait for bytes that may be on their way.
const A_MOMENT: Duration = Duration::from_millis(50);
const LOOKS_EVERY: Duration = Duration::from_micros(200);
/// The constants of the hash FNV-1a, 64 bits.
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_PRIME: u64 = 0x0000_0100_0000_01b3;

#[derive(Clone, Copy, PartialEq)]
enum End {
    Open,
    Fin,
    Reset,
    /// This side closed.
    Left,
}

pub struct Connection {
    socket: Option<Socket>,
    port: u16,
    waiting: VecDeque<Action>,
    limit: u64,
    total: u64,
    hash: u64,
    kept: Vec<u8>,
    end: End,
    /// The server takes no more bytes.
    refused: bool,
}

impl Connection {
    pub fn open(port: u16, receive_buffer: u32, segment: u32) -> io::Result<Self> {
        let socket = Socket::connect(port, receive_buffer, segment)?;
        Ok(Self {
            port: socket.local_port()?,
            socket: Some(socket),
            waiting: VecDeque::new(),
            limit: u64::MAX,
            total: 0,
            hash: HASH_START,
            kept: Vec::new(),
            end: End::Open,
            refused: false,
        })
    }

    pub fn port(&self) -> io::Result<u16> {
        Ok(self.port)
    }

    pub fn act(&mut self, action: Action) {
        match action {
            Action::Read { limit } => self.limit = limit,
            Action::Await { bytes } => self.await_bytes(bytes),
            Action::Reset | Action::Close => {
                if let Some(socket) = self.socket.take() {
                    if matches!(action, Action::Reset) {
                        socket.reset_on_close();
                    }
                    if self.end == End::Open {
                        self.end = End::Left;
                    }
                }
            }
            Action::Send { .. } | Action::Fin => {
                self.waiting.push_back(action);
                self.send();
            }
        }
    }

    fn await_bytes(&self, bytes: u64) {
        let Some(socket) = &self.socket else { return };
        let begin = Instant::now();
        while self.total + socket.unread() < bytes && begin.elapsed() < A_MOMENT {
            thread::sleep(LOOKS_EVERY);
        }
    }

    /// Sends what can be sent. Returns whether anything was sent.
    fn send(&mut self) -> bool {
        let Some(socket) = &self.socket else { return false };
        let mut moved = false;
        while let Some(action) = self.waiting.front_mut() {
            match action {
                Action::Send { bytes, more } if !self.refused => match socket.send(bytes, *more) {
                    Ok(sent) => {
                        moved = true;
                        bytes.drain(..sent);
                        if !bytes.is_empty() {
                            continue;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return moved,
                    Err(_) => self.refused = true,
                },
                Action::Fin => socket.shutdown(),
                _ => {}
            }
            self.waiting.pop_front();
        }
        moved
    }

    /// Reads what may be read, at most so many bytes. Returns whether there was anything.
    fn read(&mut self, buffer: &mut [u8], most: usize) -> bool {
        let mut moved = false;
        let until = self.limit.min(self.total.saturating_add(most as u64));
        while self.end == End::Open && self.total < until {
            let Some(socket) = &self.socket else { return moved };
            let most = usize::try_from(until - self.total).unwrap_or(usize::MAX).min(buffer.len());
            match socket.receive(&mut buffer[..most]) {
                Ok(0) => self.end = End::Fin,
                Ok(length) => self.seen(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return moved,
                Err(_) => self.end = End::Reset,
            }
            moved = true;
        }
        moved
    }

    fn seen(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        for &byte in bytes {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(HASH_PRIME);
        }
        let room = KEPT - self.kept.len();
        self.kept.extend(&bytes[..bytes.len().min(room)]);
    }

    fn wants(&self) -> i16 {
        let reading = self.end == End::Open && self.total < self.limit;
        (if reading { libc::POLLIN } else { 0 }) | (if self.waiting.is_empty() { 0 } else { libc::POLLOUT })
    }

    pub fn report(&self, answer: &mut Answer) {
        answer.number(match self.end {
            End::Open => 0,
            End::Fin => 1,
            End::Reset => 2,
            End::Left => 3,
        });
        answer.number(self.total);
        answer.number(self.hash >> 12);
        answer.blob(&self.kept);
    }
}

/// Lets each connection send as much as it can and read at most `most` bytes. Returns false if there was nothing.
pub fn pump(connections: &mut BTreeMap<u32, Connection>, most: usize) -> io::Result<bool> {
    let mut active: Vec<&mut Connection> =
        connections.values_mut().filter(|connection| connection.wants() != 0).collect();
    let mut polled: Vec<libc::pollfd> = active
        .iter()
        .filter_map(|connection| {
            let socket = connection.socket.as_ref()?;
            Some(libc::pollfd { fd: socket.as_raw_fd(), events: connection.wants(), revents: 0 })
        })
        .collect();
    active.retain(|connection| connection.socket.is_some());
    socket::poll(&mut polled)?;
    let mut buffer = vec![0; READ_AT_ONCE];
    let mut moved = false;
    for (connection, ready) in active.into_iter().zip(&polled) {
        if ready.revents != 0 {
            moved |= connection.send();
            moved |= connection.read(&mut buffer, most);
        }
    }
    Ok(moved)
}
