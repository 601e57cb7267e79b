//! One connection: what the JavaScript thread may ask of it.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`task`] | the task that reads, parses, delivers, refuses and closes |
//! | [`state`] | what it shares with the JavaScript thread |
//! | [`registry`] | the connections of a server |
//! | [`watch`] | when its descriptor is ready |
//! | [`io`], [`address`] | system calls |
//!
//! Two locks: `read` is held while a packet is read and parsed, `control` for a few instructions
//! or one non-blocking send. Whoever takes both takes `read` first. The queue's lock comes last.

pub mod address;
pub mod io;
pub mod registry;
pub mod state;
pub mod task;
pub mod watch;

use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::engine::Core;
use crate::engine::queue::{Behind, Delivery, Kind, Source};
use crate::http1::{Code, Parser};
use crate::record::{ACCEPTED, DRAINED, Parked, Progress, Records};
use crate::server::Server;
use address::{Address, End};
use state::{Control, Fate, Shutdown};

/// One connection.
#[derive(Debug)]
pub struct Conn {
    core: Arc<Core>,
    pub server: Arc<Server>,
    /// The id that JavaScript knows it by, 0 for none; only the JavaScript thread's.
    pub id: AtomicU32,
    /// In the server's list.
    place: AtomicU32,
    start: AtomicU64,
    headers_complete: AtomicBool,
    begun: AtomicBool,
    /// `start` of the message that was reported as overdue.
    reported: AtomicU64,
    /// The packet that is outstanding was dispatched; only the JavaScript thread's.
    consumed: AtomicBool,
    /// A reactor has told of FIN, a hang-up or an error.
    closed: AtomicBool,
    control: Mutex<Control>,
    read: Mutex<ReadSide>,
}

#[derive(Debug)]
struct ReadSide {
    /// None after [`Conn::detach`].
    parser: Option<Parser>,
    parked: Option<Box<Parked>>,
    /// Bytes read since the last delivery.
    bytes: u32,
    /// The last packet was as large as one can be.
    full: bool,
}

/// A connection given away.
#[derive(Debug)]
pub struct Detached {
    pub fd: OwnedFd,
    pub parser: Parser,
    pub progress: Progress,
    /// Bytes that were read and not parsed.
    pub parked: Option<Box<Parked>>,
    /// Output that has not left.
    pub pending: Vec<u8>,
    /// A packet was delivered and not yet consumed.
    pub outstanding: bool,
    /// The end follows that packet, whatever the descriptor says (the setting `hangUpEnds`).
    pub hung_up: bool,
}

impl Conn {
    /// Takes over a connected descriptor, for which the engine was entered. With the setting
    /// `eager`, JavaScript hears of it at once.
    pub fn open(core: &Arc<Core>, server: &Arc<Server>, fd: OwnedFd) -> Arc<Conn> {
        let progress = Progress::begin();
        let conn = Arc::new(Conn {
            core: core.clone(),
            server: server.clone(),
            id: AtomicU32::new(0),
            place: AtomicU32::new(0),
            start: AtomicU64::new(progress.start),
            headers_complete: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            reported: AtomicU64::new(0),
            consumed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            control: Mutex::new(Control::new(fd.into_raw_fd())),
            read: Mutex::new(ReadSide {
                parser: Some(Parser::new(server.settings.parser_config(server.profile))),
                parked: None,
                bytes: 0,
                full: false,
            }),
        });
        server.connections.adjust(1);
        server.connections.add(&conn);
        if server.settings.eager() != 0 {
            conn.deliver_packet(0, Records::notice(&[ACCEPTED]), Behind::Nothing);
        }
        conn
    }

    /// Writes the pieces in order. `Ok(true)` if some of it has to wait.
    pub fn write(&self, pieces: &[&[u8]]) -> Result<bool, i32> {
        self.put(pieces, false)
    }

    /// As [`write`](Self::write), where [`shutdown`](Self::shutdown) follows at once.
    pub fn write_last(&self, pieces: &[&[u8]]) -> Result<bool, i32> {
        self.put(pieces, true)
    }

    fn put(&self, pieces: &[&[u8]], last: bool) -> Result<bool, i32> {
        let total: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(libc::EBADF);
        }
        if control.shutdown != Shutdown::No {
            return Err(libc::EPIPE);
        }
        let mut sent = 0;
        send_deferred(&mut control, last);
        if control.outbox.is_empty() {
            if total == 0 {
                return Ok(false);
            }
            let send = if last { io::send_before_fin } else { io::send };
            match send(control.fd, pieces) {
                Ok(count) => sent = count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.raw_os_error().unwrap_or(libc::EIO)),
            }
        }
        control.written += total as u64;
        if sent == total && control.outbox.is_empty() {
            return Ok(false);
        }
        control.outbox.append(pieces, sent);
        let waker = control.waker.take();
        drop(control);
        wake(waker);
        Ok(true)
    }

    /// Keeps output for [`flush`](Self::flush), which the caller sees to. Otherwise as `write`;
    /// None: it was written, or waits as anything else does.
    pub fn defer(&self, pieces: &[&[u8]]) -> Option<()> {
        let mut control = crate::lock(&self.control);
        let fits = control.outbox.len() <= DEFERRED_LIMIT;
        if !control.is_open()
            || control.shutdown != Shutdown::No
            || !(control.outbox.is_empty() || control.deferred && fits)
        {
            return None;
        }
        control.outbox.append(pieces, 0);
        control.written += pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
        control.deferred = true;
        Some(())
    }

    /// Sends what was deferred. What the kernel does not take stays with the task.
    pub fn flush(&self) {
        let mut control = crate::lock(&self.control);
        if send_deferred(&mut control, false) && !control.outbox.is_empty() {
            let waker = control.waker.take();
            drop(control);
            wake(waker);
        }
    }

    /// Sends FIN after all pending output. `Ok(true)` if it has to wait for that.
    pub fn shutdown(&self) -> Result<bool, i32> {
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(libc::EBADF);
        }
        if control.shutdown != Shutdown::No {
            return Err(libc::ENOTCONN);
        }
        send_deferred(&mut control, true);
        if control.outbox.is_empty() {
            control.shutdown = Shutdown::Done;
            return match io::shutdown(control.fd) {
                Ok(()) => Ok(false),
                Err(error) => Err(error.raw_os_error().unwrap_or(libc::EIO)),
            };
        }
        control.shutdown = Shutdown::Wanted;
        // The task does not know of output that was deferred until now.
        let waker = control.waker.take();
        drop(control);
        wake(waker);
        Ok(true)
    }

    pub fn set_paused(&self, paused: bool) {
        let mut control = crate::lock(&self.control);
        control.paused = paused;
        if paused && !self.is_coming(&control) {
            // What is not reported by now is for reading to find.
            control.hung_up = false;
        }
        let waker = if paused { None } else { control.release() };
        drop(control);
        wake(waker);
    }

    /// The delivery of a packet was consumed: everything in it was told.
    pub fn consume(&self) {
        self.consumed.store(true, Ordering::Relaxed);
    }

    /// The next packet may be read.
    pub fn acknowledge(&self) {
        self.consumed.store(false, Ordering::Relaxed);
        let mut control = crate::lock(&self.control);
        control.outstanding = false;
        let waker = control.release();
        drop(control);
        wake(waker);
    }

    /// The answer to PARKED: not accepted. See [`task::decline_upgrade`].
    pub fn decline_upgrade(self: &Arc<Self>) -> Option<Records> {
        task::decline_upgrade(self)
    }

    /// Closes the connection; pending output is dropped. Returns what was written to it.
    pub fn close(&self, reset: bool) -> u64 {
        let mut control = crate::lock(&self.control);
        let written = control.written;
        if !control.is_open() {
            return written;
        }
        send_deferred(&mut control, false);
        control.fate = Fate::Closing { reset };
        let waker = control.waker.take();
        drop(control);
        self.uncount();
        wake(waker);
        written
    }

    /// A reactor tells of FIN, a hang-up or an error.
    fn note_closed(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether a packet is on its way to JavaScript, or is being dispatched.
    pub fn has_coming(&self) -> bool {
        self.is_coming(&crate::lock(&self.control))
    }

    fn is_coming(&self, control: &Control) -> bool {
        control.outstanding && !self.consumed.load(Ordering::Relaxed)
    }

    /// Where libuv takes a hang-up for FIN: looks for one behind the packet that is dispatched next.
    /// Then the end follows in the same turn.
    pub fn look_for_hang_up(&self, behind: Behind) -> bool {
        let suspected = match behind {
            Behind::Nothing | Behind::Bytes => false,
            Behind::Watched => self.closed.load(Ordering::Relaxed),
            Behind::Unwatched => true,
        };
        if !suspected || self.server.settings.hang_up_ends() == 0 {
            return false;
        }
        let mut control = crate::lock(&self.control);
        control.hung_up = control.is_open() && io::has_hung_up(control.fd);
        control.hung_up
    }

    /// Bytes that were read and not reported.
    pub fn take_bytes_read(&self) -> u32 {
        std::mem::take(&mut crate::lock(&self.read).bytes)
    }

    /// Gives the connection away, with everything that was read or written and not dealt with.
    /// It goes on counting as open.
    pub fn detach(&self) -> std::io::Result<Detached> {
        // Waits for a packet that is being parsed.
        let mut read = crate::lock(&self.read);
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(std::io::Error::from_raw_os_error(libc::EBADF));
        }
        let fd = io::duplicate(control.fd)?;
        let Some(parser) = read.parser.take() else {
            return Err(std::io::Error::from_raw_os_error(libc::EBADF));
        };
        let parked = read.parked.take();
        send_deferred(&mut control, false);
        let pending = control.outbox.take();
        control.fate = Fate::Detached;
        let outstanding = self.is_coming(&control);
        let hung_up = control.hung_up;
        let waker = control.waker.take();
        drop(control);
        drop(read);
        wake(waker);
        Ok(Detached {
            fd,
            parser,
            progress: self.progress(),
            parked,
            pending,
            outstanding,
            hung_up,
        })
    }

    pub fn bytes_written(&self) -> u64 {
        crate::lock(&self.control).written
    }

    pub fn write_queue_size(&self) -> usize {
        crate::lock(&self.control).outbox.len()
    }

    pub fn address(&self, end: End) -> Option<Address> {
        self.with_fd(|fd| address::of(fd, end)).flatten()
    }

    /// Runs `f` on the open descriptor.
    pub fn with_fd<T>(&self, f: impl FnOnce(RawFd) -> T) -> Option<T> {
        let control = crate::lock(&self.control);
        (control.fd >= 0 && control.fate == Fate::Open).then(|| f(control.fd))
    }

    /// Makes sure that JavaScript will hear of the connection's end. False if it has ended.
    pub fn show(&self) -> bool {
        let mut control = crate::lock(&self.control);
        let open = control.is_open();
        control.shown |= open;
        open
    }

    /// Whether a message is overdue that was not reported as such before.
    pub fn is_newly_overdue(&self, now: u64, headers: u64, request: u64) -> bool {
        let progress = self.progress();
        progress.overdue(now, headers, request)
            && self.reported.swap(progress.start, Ordering::Relaxed) != progress.start
    }

    /// Between messages, as far as JavaScript can tell.
    pub fn is_idle(&self) -> bool {
        let progress = self.progress();
        let silent = !progress.begun && self.server.settings.idle_includes_silent() != 0;
        (progress.start == 0 || silent) && {
            let control = crate::lock(&self.control);
            control.is_open() && !self.is_coming(&control)
        }
    }

    /// Answers a stranger with the default reply for `code`, counts that, and closes it. False if
    /// JavaScript knows the connection, or may have to hear of it.
    pub fn refuse_stranger(&self, code: Code) -> bool {
        if !self.end_stranger(|fd| {
            // What the kernel does not take is lost, as with a write before a destroy in Node.
            let _ = io::send(fd, &[code.default_reply()]);
        }) {
            return false;
        }
        self.server.counters.count(code);
        true
    }

    /// Closes a stranger after a socket error, and counts that.
    fn drop_stranger(&self, errno: i32) -> bool {
        let dropped = self.end_stranger(|_| {});
        if dropped {
            self.server.counters.count_text(io::errno_name(errno), 1);
        }
        dropped
    }

    fn end_stranger(&self, last_words: impl FnOnce(RawFd)) -> bool {
        if self.server.settings.native_refusals() == 0 {
            return false;
        }
        let mut control = crate::lock(&self.control);
        if control.shown || !control.is_open() {
            return false;
        }
        control.fate = Fate::Closing { reset: false };
        last_words(control.fd);
        let waker = control.waker.take();
        drop(control);
        self.uncount();
        wake(waker);
        true
    }

    fn progress(&self) -> Progress {
        Progress {
            start: self.start.load(Ordering::Relaxed),
            headers_complete: self.headers_complete.load(Ordering::Relaxed),
            begun: self.begun.load(Ordering::Relaxed),
        }
    }

    fn set_progress(&self, progress: Progress) {
        self.start.store(progress.start, Ordering::Relaxed);
        self.headers_complete
            .store(progress.headers_complete, Ordering::Relaxed);
        self.begun.store(progress.begun, Ordering::Relaxed);
    }

    /// Puts what was read on its way, as [`deliver`](Self::deliver).
    fn deliver_packet(self: &Arc<Self>, bytes: u32, records: Records, behind: Behind) {
        self.push(Kind::Packet, bytes, records, behind);
    }

    /// Puts a delivery on its way, unless JavaScript or a refusal has ended the connection.
    fn deliver(self: &Arc<Self>, kind: Kind, records: Records) {
        self.push(kind, 0, records, Behind::Nothing);
    }

    fn push(self: &Arc<Self>, kind: Kind, bytes: u32, records: Records, behind: Behind) {
        {
            let mut control = crate::lock(&self.control);
            if kind != Kind::Closed && !control.is_open() {
                return;
            }
            control.shown = true;
            control.outstanding |= kind == Kind::Packet;
        }
        self.core.queue.push(Delivery {
            source: Source::Conn(self.clone()),
            kind,
            bytes,
            behind,
            records,
        });
    }

    /// The connection no longer counts as open. Called once, by whoever ended it.
    fn uncount(&self) {
        adjust_open(&self.core, &self.server, -1);
    }
}

/// Changes the number of a server's open connections.
pub fn adjust_open(core: &Core, server: &Server, delta: i64) {
    if server.connections.adjust(delta) && server.settings.drain_notice() != 0 {
        core.queue
            .push(Delivery::of_server(server.id, Records::notice(&[DRAINED])));
    }
}

impl AsRawFd for Conn {
    fn as_raw_fd(&self) -> RawFd {
        crate::lock(&self.control).fd
    }
}

fn wake(waker: Option<std::task::Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Bytes of one connection that may wait for the end of a batch.
const DEFERRED_LIMIT: usize = 64 * 1024;

/// Offers deferred output to the kernel; true if there was some. `last`: FIN follows at once.
/// Errors show again when the task sends the rest.
fn send_deferred(control: &mut state::Control, last: bool) -> bool {
    if !std::mem::take(&mut control.deferred) {
        return false;
    }
    let send = if last { io::send_before_fin } else { io::send };
    while !control.outbox.is_empty() {
        let (front, used) = control.outbox.front();
        match send(control.fd, front.get(..used).unwrap_or(&[])) {
            Ok(count) => control.outbox.advance(count),
            Err(_) => break,
        }
    }
    true
}
