//! The task of one connection: reads packets, parses and delivers them, flushes what is left of
//! writes, refuses strangers, and closes the descriptor in the end.
//!
//! It is a future written by hand, so that an idle connection costs a few hundred bytes. It
//! starts in the lobby as a stranger; after the first complete head it is established, and moves
//! to the JavaScript thread or an I/O thread.

use std::cell::RefCell;
use std::future::Future;
use std::io::ErrorKind;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use mio::{Registry, Token};

use super::state::{Control, Fate, Shutdown};
use super::watch::{Event, Ready, Watch};
use super::{Conn, ReadSide, io, linger};
use crate::engine::queue::{Behind, Kind};
use crate::http1::{Outcome, ParseError, Phase};
use crate::memory::{Memory, PACKET, Supply, Vecs};
use crate::observe::classify;
use crate::observe::kind::CodeNumber;
use crate::record::{
    CLOSED, PANICKED, Parked, Recorder, Records, SHUTDOWN, SOCKET_ERROR, SYSCALL_READ,
    SYSCALL_WRITE, WRITTEN,
};

/// A body is read straight into memory for JavaScript if so much of it is ahead; what is less is
/// copied. This takes full packets to a body that is sent fast: others would waste memory.
const BULK: u64 = PACKET as u64 / 8;

thread_local! {
    /// One buffer for all connections of a thread: a packet is parsed before the next is read.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; PACKET].into_boxed_slice());
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Lobby,
    Io,
    JsThread,
}

/// The task of one connection.
#[derive(Debug)]
pub struct Task {
    /// None until there was nothing to read: many strangers are refused after their first packet.
    watched: Option<Watch>,
    /// None after moving to another thread.
    conn: Option<Arc<Conn>>,
    room: Room,
    /// Where a task of the JavaScript thread can register.
    seat: Option<(Arc<Registry>, Token)>,
}

/// How a turn of the task ended.
enum Turn {
    /// There may be more to do at once.
    Again,
    Wait,
    /// To where established connections are served.
    Move,
    Close,
}

impl Task {
    pub fn stranger(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::Lobby,
            seat: None,
        }
    }

    /// Of a connection that had a complete head.
    pub fn on_io_thread(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::Io,
            seat: None,
        }
    }

    /// Likewise, for the JavaScript thread.
    pub fn on_js_thread(conn: Arc<Conn>) -> Task {
        Task {
            watched: None,
            conn: Some(conn),
            room: Room::JsThread,
            seat: None,
        }
    }

    /// Whether all that is left is to close the descriptor, which dropping the task does.
    pub fn is_over(&self) -> bool {
        self.conn
            .as_ref()
            .is_none_or(|conn| !crate::lock(&conn.control).is_open())
    }

    /// Whether the connection was sent FIN, and is only to be read to its end.
    pub fn is_refused(&self) -> bool {
        self.conn.as_ref().is_some_and(|conn| {
            let control = crate::lock(&conn.control);
            control.is_open() && control.shutdown == Shutdown::Done
        })
    }

    /// Gives a task of the JavaScript thread its place in the reactor. Without one it ends at once.
    pub fn register(&mut self, registry: &Arc<Registry>, token: Token) {
        let Some(conn) = &self.conn else {
            return;
        };
        self.seat = Some((registry.clone(), token));
        let fd = crate::lock(&conn.control).fd;
        // Who was sent FIN after the first packet has often answered with its own by now: a read
        // tells, and then there is nothing to wait for.
        if !self.is_refused() {
            // The reactor tells in the next turn what there is to read. After a full packet that is
            // known.
            let readable = crate::lock(&conn.read).full;
            if let Ok(watch) = self.watch(fd) {
                watch.note(Event {
                    readable,
                    ..Event::default()
                });
            }
        }
    }

    /// An event from the JavaScript thread's reactor.
    pub fn note(&self, event: Event) {
        if let Some(watch) = &self.watched {
            watch.note(event);
        }
    }

    /// Whether the JavaScript thread's reactor has to speak first; it runs the task when it does.
    fn has_to_wait(&self) -> bool {
        self.watched.as_ref().is_some_and(Watch::is_quiet)
    }

    /// Goes on until there is nothing to do, as `poll`. A panic is the end of this connection alone.
    pub fn run(&mut self, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Poll<()> {
        let result = catch_unwind(AssertUnwindSafe(|| self.turns(cx, supply)));
        result.unwrap_or_else(|_| self.recover())
    }

    fn turns(&mut self, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Poll<()> {
        let Some(conn) = self.conn.clone() else {
            return Poll::Ready(());
        };
        loop {
            let turn = self.turn(&conn, cx, supply);
            if !matches!(turn, Turn::Again) || self.has_to_wait() {
                return self.finish(&turn);
            }
        }
    }

    /// What a last turn means for the task: whether it has ended.
    fn finish(&mut self, turn: &Turn) -> Poll<()> {
        match turn {
            Turn::Again | Turn::Wait => return Poll::Pending,
            Turn::Close => {}
            Turn::Move => {
                self.watched = None;
                if let Some(conn) = self.conn.take() {
                    let core = conn.core.clone();
                    core.settle(conn);
                }
            }
        }
        Poll::Ready(())
    }

    /// After a panic: the connection fails as if reading had. If that panics, too, it is closed.
    fn recover(&mut self) -> Poll<()> {
        let Some(conn) = self.conn.clone() else {
            return Poll::Ready(());
        };
        if conn.panicked.swap(true, Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let turn = fail(
            self.room,
            &conn,
            &mut crate::lock(&conn.read),
            PANICKED as i32,
        );
        self.finish(&turn)
    }

    fn turn(&mut self, conn: &Arc<Conn>, cx: &mut Context<'_>, supply: &mut dyn Supply) -> Turn {
        let (fd, has_output, read_done, may_read, hung_up) = {
            let mut control = crate::lock(&conn.control);
            if !control.is_open() {
                return Turn::Close;
            }
            control.keep_waker(cx.waker());
            let has_output = control.has_output();
            (
                control.fd,
                has_output,
                control.read_done,
                control.may_read(),
                control.may_read() && std::mem::take(&mut control.hung_up),
            )
        };
        let turn = if read_done {
            Turn::Wait
        } else if hung_up {
            hung_up_end(self.room, conn, &mut crate::lock(&conn.read))
        } else {
            self.read(conn, fd, may_read, cx, supply)
        };
        // After reading, as libuv: an error that both would find is one of reading.
        match turn {
            Turn::Again | Turn::Wait if has_output && self.flush(conn, fd, cx).is_err() => {
                Turn::Close
            }
            turn => turn,
        }
    }

    /// Reads one packet, if JavaScript is ready for it.
    fn read(
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
            // Detached just now.
            return Turn::Close;
        };
        let ahead = parser.body_ahead();
        // What is read after a full packet belongs to the event that told of that; the reactor of an I/O
        // thread may have told of another one meanwhile.
        let goes_on = room == Room::Io && read.full;
        if !goes_on && ready.as_ref().is_some_and(Ready::is_closed) {
            conn.note_closed();
        }
        let bulk = room != Room::Lobby && read.full && ahead >= BULK;
        let turn = BUFFER.with_borrow_mut(|buffer| {
            let packet = if bulk {
                let size = ahead.min(PACKET as u64) as usize;
                read_split(fd, supply, size, buffer)
            } else {
                let result = io::recv(fd, buffer);
                result.map(|n| Packet::of(buffer.get(..n).unwrap_or(&[])))
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
    fn watch(&mut self, fd: RawFd) -> std::io::Result<&mut Watch> {
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

    /// Sends what is in the outbox, as far as the kernel takes it; then FIN, if wanted.
    fn flush(&mut self, conn: &Arc<Conn>, fd: RawFd, cx: &mut Context<'_>) -> std::io::Result<()> {
        let mut notices = [None, None];
        {
            let mut control = crate::lock(&conn.control);
            let watched = self.watch(fd)?;
            let mut result = loop {
                if control.outbox.is_empty() {
                    break Ok(());
                }
                let mut ready = match watched.poll_write_ready(cx) {
                    Poll::Ready(ready) => ready?,
                    Poll::Pending => return Ok(()),
                };
                match send_some(&mut control) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => ready.exhausted(),
                    Err(error) if io::is_out_of_buffers(&error) => {
                        watched.write_later(cx);
                        return Ok(());
                    }
                    Err(error) => break Err(error),
                }
            };
            if result.is_err() {
                control.outbox.clear();
                let awaited = control.write_awaited;
                control.keep_error(errno(&result) as i32, awaited);
            }
            // Where something is read, that comes first, as in libuv: it meets the error, or the end.
            let read_tells = control.kept_error.is_some() && control.reads();
            if !read_tells && std::mem::take(&mut control.write_awaited) {
                notices[0] = Some(Records::notice(&[WRITTEN, errno(&result)]));
            } else if !read_tells && let Some(errno) = control.kept_error.take() {
                control.read_done = true;
                let notice = [SOCKET_ERROR, errno as u32, SYSCALL_WRITE];
                notices[0] = Some(Records::notice(&notice));
            }
            if control.shutdown == Shutdown::Wanted {
                control.shutdown = Shutdown::Done;
                result = result.and_then(|()| io::shutdown(fd));
                if std::mem::take(&mut control.shutdown_awaited) {
                    notices[1] = Some(Records::notice(&[SHUTDOWN, errno(&result)]));
                }
            }
        }
        for notice in notices.into_iter().flatten() {
            conn.deliver(Kind::Notice, notice);
        }
        Ok(())
    }
}

/// A packet.
struct Packet<'a> {
    /// What it begins with, if that was read apart: nothing but body.
    body: Option<Memory>,
    rest: &'a [u8],
}

impl Packet<'_> {
    fn of(rest: &[u8]) -> Packet<'_> {
        Packet { body: None, rest }
    }

    fn len(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.len()) + self.rest.len()
    }
}

/// Parses what reading gave. None: there was nothing to read.
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
                let error = crate::lock(&conn.control).kept_error.take();
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
            let error = crate::lock(&conn.control).kept_error.take();
            error.map(|errno| fail(room, conn, read, errno))
        }
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            Some(fail(room, conn, read, errno))
        }
    }
}

/// Reads a packet that begins with `size` bytes of body, these into memory for JavaScript.
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
    // SAFETY: the kernel has written `count` bytes, first of all to `room`.
    unsafe { body.filled(count.min(size)) };
    if count >= size {
        return Ok(Packet {
            body: Some(body),
            rest: buffer.get(..count - size).unwrap_or(&[]),
        });
    }
    // A Buffer is as long as what is in it.
    let rest = buffer.get_mut(..count).unwrap_or(&mut []);
    rest.copy_from_slice(&body);
    supply.put_back(body);
    Ok(Packet::of(rest))
}

/// Goes on with the packet that waited for the answer to an upgrade which is declined: what is in
/// the rest of it, for the JavaScript thread, which is dispatching the head. None if nothing waits.
pub fn decline_upgrade(conn: &Arc<Conn>) -> Option<Records> {
    let mut read = crate::lock(&conn.read);
    {
        let mut control = crate::lock(&conn.control);
        if !control.parked || !control.is_open() {
            return None;
        }
        control.parked = false;
    }
    let parked = read.parked.take()?;
    read.parser.as_mut()?.resolve_upgrade(false);
    let packet = Packet::of(&parked.packet);
    interpret(conn, &mut read, packet, parked.at, &mut Vecs).map(|(records, _)| records)
}

/// Ends the connection as FIN does, on the JavaScript thread. See [`Conn::hang_up`].
pub fn hang_up(conn: &Arc<Conn>) -> bool {
    let mut read = crate::lock(&conn.read);
    {
        let mut control = crate::lock(&conn.control);
        control.hung_up = false;
        if !control.is_open() || !control.reads() {
            conn.tell_kept_error(control);
            return false;
        }
    }
    hung_up_end(Room::JsThread, conn, &mut read);
    true
}

/// A hang-up is taken for FIN. Before that come the errors of what JavaScript takes for written: in Node
/// the write has met them.
fn hung_up_end(room: Room, conn: &Arc<Conn>, read: &mut ReadSide) -> Turn {
    let failed = {
        let mut control = crate::lock(&conn.control);
        let failed = super::send_deferred(&mut control, false).err();
        if failed.is_none() && !control.write_awaited {
            control.kept_error.take()
        } else {
            failed
        }
    };
    match failed {
        Some(errno) => fail(room, conn, read, errno),
        None => end(room, conn, read),
    }
}

/// Parses one packet and delivers what it means.
fn parse(
    room: Room,
    conn: &Arc<Conn>,
    read: &mut ReadSide,
    packet: Packet<'_>,
    behind: Behind,
    supply: &mut dyn Supply,
) -> Turn {
    let Some((records, saw_head)) = interpret(conn, read, packet, 0, supply) else {
        return Turn::Close;
    };
    // The first bytes of a head say nothing yet about a stranger. A connection that
    // JavaScript knows has its idle timer restarted by any packet.
    if records.is_empty() && (read.bytes == 0 || !crate::lock(&conn.control).shown) {
        conn.look_for_hang_up(behind);
        return Turn::Again;
    }
    let turn = told(room, conn, saw_head);
    // Until there is a reactor again, nobody tells.
    let behind = match turn {
        Turn::Move if behind == Behind::Watched => Behind::Unwatched,
        _ => behind,
    };
    conn.deliver_packet(std::mem::take(&mut read.bytes), records, behind);
    turn
}

/// How a turn goes on that JavaScript heard of. An I/O thread is for established connections; what
/// the JavaScript thread knows of it had better look after itself, than wake another thread for it.
fn told(room: Room, conn: &Conn, saw_head: bool) -> Turn {
    if room == Room::Lobby && (saw_head || conn.core.serves_on_js_thread()) {
        Turn::Move
    } else {
        Turn::Again
    }
}

/// What is in a packet from a position on, and whether that includes a head. None: the connection
/// is over, as a stranger was refused.
fn interpret(
    conn: &Arc<Conn>,
    read: &mut ReadSide,
    packet: Packet<'_>,
    from: usize,
    supply: &mut dyn Supply,
) -> Option<(Records, bool)> {
    #[cfg(debug_assertions)]
    assert!(!conn.panics.load(Ordering::Relaxed), "a planted panic");
    let parser = read.parser.as_mut()?;
    let mut recorder = Recorder::new(conn.progress(), supply);
    recorder.refusals = Some(&conn.server.refusals);
    let Packet { body, rest } = packet;
    let before = body.as_ref().map_or(0, |body| body.len());
    if let Some(body) = body {
        parser.pass_body(before as u64);
        recorder.records.push_body(body);
    }
    let outcome = parser.execute(rest, from, &mut recorder);
    conn.set_progress(recorder.progress);
    let saw_head = recorder.saw_head;
    let mut records = std::mem::take(&mut recorder.records);
    match outcome {
        Outcome::Consumed => {}
        Outcome::Parked { at } => {
            read.parked = Some(Box::new(Parked {
                packet: whole(&records, before, rest),
                at: before + at,
            }));
            records.push_parked();
            crate::lock(&conn.control).parked = true;
        }
        Outcome::Upgraded { at } => {
            records.push_upgraded(rest.get(at..).unwrap_or(&[]));
            crate::lock(&conn.control).read_done = true;
        }
        Outcome::Failed(mut error) => {
            if let Some(seen) = &mut recorder.seen {
                if records.is_empty() && conn.refuse_stranger(error.code, seen, None) {
                    return None;
                }
                conn.with_fd(|fd| conn.locate(seen, fd));
                seen.shift(before);
                records.seen = recorder.seen.take().map(Box::new);
            }
            error.bytes_parsed += before as i32;
            let packet = whole(&records, before, rest);
            records.push_failed(&error, packet);
        }
    }
    Some((records, saw_head))
}

/// A packet in one piece. `before` bytes of it were read apart; they are the first blob.
fn whole(records: &Records, before: usize, rest: &[u8]) -> Vec<u8> {
    match records.blobs.first() {
        Some(body) if before > 0 => [body, rest].concat(),
        _ => rest.to_vec(),
    }
}

fn send_some(control: &mut Control) -> std::io::Result<()> {
    let count = io::send(control.fd, control.outbox.front().pieces())?;
    control.outbox.advance(count);
    Ok(())
}

fn errno(result: &std::io::Result<()>) -> u32 {
    match result {
        Ok(()) => 0,
        Err(error) => error.raw_os_error().unwrap_or(libc::EIO) as u32,
    }
}

/// FIN was read.
fn end(room: Room, conn: &Arc<Conn>, read: &mut ReadSide) -> Turn {
    let Some(parser) = &mut read.parser else {
        return Turn::Close;
    };
    let mut supply = Vecs;
    let mut recorder = Recorder::new(conn.progress(), &mut supply);
    if parser.scene().phase == Phase::Silent {
        conn.server.refusals.silent.fetch_add(1, Ordering::Relaxed);
    }
    let verdict = parser.finish(&mut recorder);
    conn.set_progress(recorder.progress);
    {
        let mut control = crate::lock(&conn.control);
        control.read_done = true;
        if verdict.is_ok() && !control.shown {
            // A stranger that left without a word.
            control.fate = Fate::Closing { reset: false };
            drop(control);
            conn.uncount();
            return Turn::Close;
        }
    }
    let mut records = Records::default();
    if let Err(ParseError { code, reason, .. }) = verdict {
        let number = CodeNumber::of(code);
        let mut seen = super::see(
            &conn.server,
            Some(parser),
            number,
            Some(reason),
            classify::fin,
        );
        if conn.refuse_stranger(code, &mut seen, None) {
            return Turn::Close;
        }
        conn.with_fd(|fd| conn.locate(&mut seen, fd));
        records.seen = Some(Box::new(seen));
    }
    records.push_end(verdict, !recorder.records.is_empty());
    conn.deliver_packet(std::mem::take(&mut read.bytes), records, Behind::Nothing);
    conn.tell_kept_error(crate::lock(&conn.control));
    told(room, conn, false)
}

/// Reading failed.
fn fail(room: Room, conn: &Arc<Conn>, read: &mut ReadSide, errno: i32) -> Turn {
    let code = CodeNumber::of_text(io::errno_name(errno));
    let parser = read.parser.as_ref();
    let mut seen = super::see(&conn.server, parser, code, None, classify::reset);
    if conn.drop_stranger(errno, &mut seen) {
        return Turn::Close;
    }
    conn.with_fd(|fd| conn.locate(&mut seen, fd));
    {
        let mut control = crate::lock(&conn.control);
        control.read_done = true;
        control.read_error = Some(errno).filter(|&errno| errno != PANICKED as i32);
    }
    let mut records = Records::notice(&[SOCKET_ERROR, errno as u32, SYSCALL_READ]);
    records.seen = Some(Box::new(seen));
    conn.deliver_packet(std::mem::take(&mut read.bytes), records, Behind::Nothing);
    told(room, conn, false)
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.run(cx, &mut Vecs)
    }
}

impl Drop for Task {
    /// Lets go of the connection, whether it came to its end or its thread is stopping.
    fn drop(&mut self) {
        // Before the descriptor is closed.
        let watched = self.watched.take();
        let Some(conn) = self.conn.take() else {
            return;
        };
        let (was, shown, fd, rest) = {
            let mut control = crate::lock(&conn.control);
            let fd = std::mem::replace(&mut control.fd, -1);
            let was = control.fate;
            if was == Fate::Open {
                control.fate = Fate::Closing { reset: false };
            }
            let mut rest = control.outbox.take_deferred();
            if was == (Fate::Closing { reset: true }) {
                let _ = io::set_reset_on_close(fd);
                rest.clear();
            }
            control.waker = None;
            (was, control.shown, fd, rest)
        };
        let lingers = was == (Fate::Closing { reset: false }) && conn.lingers();
        if let Some(watched) = watched
            && was != Fate::Detached
            && rest.is_empty()
            && !lingers
        {
            watched.expect_close();
        }
        if fd >= 0 && rest.is_empty() && !lingers {
            // SAFETY: the descriptor is the connection's own; nobody uses it any more now that
            // `control.fd` is -1 and the reactor has let go.
            unsafe { io::close(fd) };
        } else if fd >= 0 {
            // SAFETY: as above.
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            if rest.is_empty() {
                let ms = conn.server.settings.linger();
                linger::drain(&conn.core, fd, u64::try_from(ms).unwrap_or(0));
            } else {
                linger::send(&conn.core, fd, rest);
            }
        }
        conn.server.connections.remove(&conn);
        if was == Fate::Open {
            conn.uncount();
        }
        if shown && was != Fate::Detached {
            conn.deliver(Kind::Closed, Records::notice(&[CLOSED]));
        }
        conn.core.leave();
    }
}
