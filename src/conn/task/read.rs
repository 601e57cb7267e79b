//! Reads one packet at a time, if JavaScript is ready for it.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::end::{end, fail};
use super::parse::parse;
use super::{Room, Task, Turn};
use crate::conn::delivery::Behind;
use crate::conn::watch::{Ready, Watch};
use crate::conn::{Conn, ReadSide, io};
use crate::http1::invariant;
use crate::memory::{Memory, PACKET, Supply};
use crate::sync::thread_local;

/// A body is read straight into a Buffer if at least so many bytes of it are still to come. Shorter ones are copied,
/// because a Buffer that is not filled wastes memory.
const BULK: u64 = PACKET as u64 / 8;

thread_local! {
    /// One buffer for all connections of a thread. It is enough, because a packet is parsed before the next one is
    /// read.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; PACKET].into_boxed_slice());
}

impl Task {
    /// Reads one packet, if JavaScript is ready for it.
    pub(super) fn read(
        &mut self,
        conn: &Arc<Conn>,
        fd: RawFd,
        may_read: bool,
        cx: &mut Context<'_>,
        supply: &mut dyn Supply,
    ) -> Turn {
        let room = self.room;
        let first_try = self.watched.is_none() && room != Room::Io;
        let mut ready = None;
        if !first_try {
            let Ok(watched) = self.watch(fd) else {
                return Turn::Close;
            };
            match watched.poll_read_ready(cx) {
                Poll::Ready(Ok(guard)) => ready = Some(guard),
                Poll::Ready(Err(_)) => return Turn::Close,
                Poll::Pending => return Turn::Wait,
            }
        }
        if !may_read {
            let mut control = crate::lock(&conn.control);
            if !control.is_open() {
                return Turn::Close;
            }
            if !control.may_read() {
                if first_try {
                    drop(control);
                    return self.watch_first(fd);
                }
                control.held = true;
                return Turn::Wait;
            }
        }
        if room != Room::JsThread && conn.core.queue.is_full(cx.waker()) {
            return Turn::Wait;
        }
        let mut read = crate::lock(&conn.read);
        let Some(parser) = &read.parser else {
            // The connection was given away just now.
            return Turn::Close;
        };
        let ahead = parser.body_ahead();
        // A read after a full packet belongs to the event that reported that packet. On an I/O thread the reactor may
        // have reported FIN since then, which is not for this read.
        let goes_on = room == Room::Io && read.full;
        if !goes_on && ready.as_ref().is_some_and(Ready::is_closed) {
            conn.note_closed();
        }
        read.asked = true;
        let bulk = room != Room::Accept && read.full && ahead >= BULK;
        let turn = BUFFER.with(|buffer| {
            let buffer = &mut buffer.borrow_mut();
            let packet = if bulk {
                let size = ahead.min(PACKET as u64) as usize;
                read_split(fd, supply, size, buffer)
            } else {
                let result = io::recv(fd, buffer);
                result
                    .map(|n| Packet::of(invariant!(buffer.get(..n), "no read exceeds its buffer")))
            };
            take_in(room, conn, &mut read, packet, &mut ready, supply)
        });
        match turn {
            Some(turn) => turn,
            None if first_try => self.watch_first(fd),
            None => Turn::Again,
        }
    }

    /// Registers the descriptor with the reactor of this thread, once.
    pub(super) fn watch(&mut self, fd: RawFd) -> std::io::Result<&mut Watch> {
        match &mut self.watched {
            Some(watched) => Ok(watched),
            none if self.room == Room::JsThread => {
                let (registry, token) = self.seat.as_ref().ok_or(ErrorKind::NotFound)?;
                Ok(none.insert(Watch::js_thread(fd, registry, *token)?))
            }
            none => Ok(none.insert(Watch::runtime(fd)?)),
        }
    }

    fn watch_first(&mut self, fd: RawFd) -> Turn {
        match self.watch(fd) {
            Ok(_) => Turn::Again,
            Err(_) => Turn::Close,
        }
    }
}

/// A packet.
pub(super) struct Packet<'a> {
    /// The body bytes with which it begins, if they were read into memory of their own.
    pub body: Option<Memory>,
    pub rest: &'a [u8],
}

impl Packet<'_> {
    pub(super) fn of(rest: &[u8]) -> Packet<'_> {
        Packet { body: None, rest }
    }

    pub(super) fn len(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.len()) + self.rest.len()
    }
}

/// Handles the result of a read. Returns None if there was nothing to read.
fn take_in(
    room: Room,
    conn: &Arc<Conn>,
    read: &mut ReadSide,
    result: std::io::Result<Packet<'_>>,
    ready: &mut Option<Ready<'_>>,
    supply: &mut dyn Supply,
) -> Option<Turn> {
    match result {
        Ok(packet) => {
            read.begun = true;
            let length = packet.len();
            if length == 0 {
                let error = crate::lock(&conn.control).take_read_error();
                return Some(match error {
                    Some(errno) => fail(room, conn, read, errno),
                    None => end(room, conn, read),
                });
            }
            read.full = length == PACKET;
            let behind = match ready {
                _ if read.full => Behind::Bytes,
                Some(ready) => {
                    ready.emptied();
                    Behind::Watched
                }
                None => Behind::Unwatched,
            };
            read.bytes = read.bytes.saturating_add(length as u32);
            let turn = parse(room, conn, read, packet, behind, supply);
            Some(turn)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            if let Some(ready) = ready {
                ready.exhausted();
            }
            let error = crate::lock(&conn.control).take_read_error();
            error.map(|errno| fail(room, conn, read, errno))
        }
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            Some(fail(room, conn, read, errno))
        }
    }
}

/// Reads a packet that begins with `size` bytes of body. These bytes are read into memory for JavaScript.
fn read_split<'a>(
    fd: RawFd,
    supply: &mut dyn Supply,
    size: usize,
    buffer: &'a mut [u8],
) -> std::io::Result<Packet<'a>> {
    let mut body = supply.take(size);
    let rest = buffer.get_mut(..PACKET - size).unwrap_or(&mut []);
    let room = body.spare();
    let room = room.get_mut(..size).unwrap_or(&mut []);
    let size = room.len();
    let count = match io::recv_split(fd, room, rest) {
        Ok(count) => count,
        Err(error) => {
            supply.put_back(body);
            return Err(error);
        }
    };
    // SAFETY: the kernel has written `count` bytes. It fills `room` first.
    unsafe { body.filled(count.min(size)) };
    if count >= size {
        return Ok(Packet {
            body: Some(body),
            rest: invariant!(buffer.get(..count - size), "no read exceeds its buffer"),
        });
    }
    // The memory was not filled, and a Buffer must not be longer than its bytes. So the bytes are copied.
    let rest = buffer.get_mut(..count).unwrap_or(&mut []);
    rest.copy_from_slice(&body);
    supply.put_back(body);
    Ok(Packet::of(rest))
}
