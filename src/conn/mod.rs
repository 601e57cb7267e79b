//! One connection: what the JavaScript thread may ask of it.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`task`] | the task that reads, parses, delivers, refuses and closes |
//! | [`state`] | what it shares with the JavaScript thread |
//! | [`outbox`] | output that the kernel has not taken |
//! | [`linger`] | descriptors that outlive their connection for a while |
//! | [`registry`] | the connections of a server |
//! | [`watch`] | when its descriptor is ready |
//! | [`io`], [`address`] | system calls |
//!
//! Two locks: `read` is held while a packet is read and parsed, `control` for a few instructions
//! or one non-blocking send. Whoever takes both takes `read` first. The queue's lock comes last.

pub mod address;
pub mod io;
pub mod linger;
#[cfg(test)]
mod model;
pub mod outbox;
pub mod registry;
#[cfg(test)]
pub mod simulation;
pub mod state;
pub mod task;
pub mod watch;

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::engine::Core;
use crate::engine::queue::{Behind, Delivery, Kind, Source};
use crate::http1::{Code, Parser, Phase, Reason};
use crate::observe::classify;
use crate::observe::explain::status;
use crate::observe::hints::Hint;
use crate::observe::kind::{CodeNumber, Kind as RefusalKind};
use crate::observe::refusals::{Origin, Seen};
use crate::observe::store::{Circumstances, Outcome, Overdue, Sight};
use crate::record::{
    ACCEPTED, DRAINED, Parked, Progress, Records, SOCKET_ERROR, SYSCALL_WRITE, WRITTEN, now,
};
use crate::server::Server;
use address::{Address, Bound, End};
use outbox::{Output, Remainder};
use state::{Control, Fate, Shutdown};

/// One connection.
#[derive(Debug)]
pub struct Conn {
    core: Arc<Core>,
    pub server: Arc<Server>,
    /// Asked for at accept, as it cannot be after a reset.
    peer: Option<SocketAddr>,
    /// Where the server listens that it came to.
    bound: Bound,
    /// When it began, in ns of [`now`](crate::record::now).
    opened: u64,
    /// It was refused: what its client still sends is read before it is closed.
    refused: AtomicBool,
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
    /// A panic has ended it.
    panicked: AtomicBool,
    /// Its packets panic, for tests.
    #[cfg(debug_assertions)]
    pub panics: AtomicBool,
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
    /// Something was read.
    begun: bool,
    /// The last packet was as large as one can be.
    full: bool,
}

/// A connection given away.
#[derive(Debug)]
pub struct Detached {
    pub fd: OwnedFd,
    pub server: Arc<Server>,
    pub parser: Parser,
    pub progress: Progress,
    /// Bytes that were read and not parsed.
    pub parked: Option<Box<Parked>>,
    /// Output that has not left.
    pub pending: Vec<Remainder>,
    /// FIN is to follow that.
    pub fin_wanted: bool,
    /// A packet was delivered and not yet consumed.
    pub outstanding: bool,
    /// The end follows that packet, whatever the descriptor says (the setting `hangUpEnds`).
    pub hung_up: bool,
}

impl Conn {
    /// Takes over a connected descriptor, for which the engine was entered. With the setting
    /// `eager`, JavaScript hears of it at once.
    pub fn open(
        core: &Arc<Core>,
        server: &Arc<Server>,
        fd: OwnedFd,
        peer: Option<SocketAddr>,
        bound: Bound,
    ) -> Arc<Conn> {
        let progress = Progress::begin();
        let conn = Arc::new(Conn {
            core: core.clone(),
            server: server.clone(),
            peer,
            bound,
            opened: progress.start,
            refused: AtomicBool::new(false),
            id: AtomicU32::new(0),
            place: AtomicU32::new(0),
            start: AtomicU64::new(progress.start),
            headers_complete: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            reported: AtomicU64::new(0),
            consumed: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
            #[cfg(debug_assertions)]
            panics: AtomicBool::new(false),
            control: Mutex::new(Control::new(fd.into_raw_fd())),
            read: Mutex::new(ReadSide {
                parser: Some(Parser::new(server.settings.parser_config(server.profile))),
                parked: None,
                bytes: 0,
                begun: false,
                full: false,
            }),
        });
        if server.settings.screened() == 0 {
            conn.admit();
        }
        server.connections.add(&conn);
        if server.settings.eager() != 0 {
            conn.deliver_packet(0, Records::notice(&[ACCEPTED]), Behind::Nothing);
        }
        conn
    }

    /// Counts the connection. False if it counts already, or has ended.
    pub fn admit(&self) -> bool {
        let mut control = crate::lock(&self.control);
        let counts = control.is_open() && !std::mem::replace(&mut control.counted, true);
        if counts {
            self.server.connections.adjust(1);
            self.server.connections.adjust_owned(1);
        }
        counts
    }

    /// Whether nothing was read.
    pub fn is_fresh(&self) -> bool {
        !crate::lock(&self.read).begun
    }

    /// Sends an output as far as the kernel takes it, and keeps the rest, of which JavaScript is told
    /// when it has left. `last`: [`shutdown`](Self::shutdown) follows at once.
    pub fn write(&self, output: &mut Output<'_>, last: bool) -> Result<Taken, i32> {
        let total = output.len();
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(libc::EBADF);
        }
        if control.shutdown != Shutdown::No {
            return Err(libc::EPIPE);
        }
        control.written += total as u64;
        send_deferred(&mut control, last)?;
        let mut sent = 0;
        if control.outbox.is_empty() {
            sent = send_output(control.fd, output, last)
                .map_err(|errno| control.read_error.unwrap_or(errno))?;
            control.tight = sent < total;
            if !control.tight {
                return Ok(Taken::All);
            }
        }
        control.outbox.append(output, sent);
        control.write_awaited = true;
        let waker = control.waker.take();
        drop(control);
        wake(waker);
        Ok(if sent > 0 {
            Taken::Part
        } else {
            Taken::Nothing
        })
    }

    /// Keeps output for [`flush`](Self::flush), which the caller sees to. It counts as taken by the
    /// kernel: JavaScript is not told when it leaves, and it survives a [`close`](Self::close). False
    /// if that cannot be promised: too much of it would be kept, the kernel was full of late, or the peer
    /// has gone, which the write is to meet as in Node. A reactor has told of that before a packet is
    /// dispatched; who writes at another time (`unasked`) asks the kernel.
    pub fn defer(&self, output: &Output<'_>, unasked: bool) -> bool {
        let total = output.len();
        if total > outbox::DEFERRED || self.closed.load(Ordering::Relaxed) {
            return false;
        }
        let mut control = crate::lock(&self.control);
        if !control.is_open()
            || control.shutdown != Shutdown::No
            || control.tight
            || !control.outbox.can_defer(total)
            || unasked && !control.deferred && io::is_gone(control.fd)
        {
            return false;
        }
        control.outbox.defer(output);
        control.written += total as u64;
        control.deferred = true;
        true
    }

    /// Sends what was deferred. What the kernel does not take stays with the task.
    pub fn flush(self: &Arc<Self>) {
        let mut control = crate::lock(&self.control);
        if let Err(errno) = send_deferred(&mut control, false) {
            control.keep_error(errno, false);
            if !control.reads() {
                self.tell_kept_error(control);
            }
            return;
        }
        if !control.outbox.is_empty() {
            let waker = control.waker.take();
            drop(control);
            wake(waker);
        }
    }

    /// Sends FIN after all output. `Ok(true)` if JavaScript has to wait for that.
    pub fn shutdown(&self) -> Result<bool, i32> {
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(libc::EBADF);
        }
        if control.shutdown != Shutdown::No {
            return Err(libc::ENOTCONN);
        }
        if let Err(errno) = send_deferred(&mut control, true) {
            control.keep_error(errno, false);
        }
        if control.outbox.is_empty() {
            control.shutdown = Shutdown::Done;
            return match io::shutdown(control.fd) {
                Ok(()) => Ok(false),
                Err(error) => Err(error.raw_os_error().unwrap_or(libc::EIO)),
            };
        }
        control.shutdown = Shutdown::Wanted;
        control.shutdown_awaited = !control.outbox.counts_as_taken();
        let awaited = control.shutdown_awaited;
        // The task does not know of output that was deferred until now.
        let waker = control.waker.take();
        drop(control);
        wake(waker);
        Ok(awaited)
    }

    pub fn set_paused(&self, paused: bool) {
        let mut control = crate::lock(&self.control);
        control.paused = paused;
        let waker = if paused { None } else { control.release() };
        drop(control);
        wake(waker);
    }

    /// The delivery of a packet was consumed: everything in it was told.
    pub fn consume(&self) {
        self.consumed.store(true, Ordering::Relaxed);
    }

    /// The next packet may be read.
    pub fn acknowledge(self: &Arc<Self>) {
        self.consumed.store(false, Ordering::Relaxed);
        let mut control = crate::lock(&self.control);
        control.outstanding = false;
        let waker = control.release();
        if control.kept_error.is_some() && !control.reads() {
            self.tell_kept_error(control);
        } else {
            drop(control);
        }
        wake(waker);
    }

    /// Nothing is read that could meet the error which was kept for that. The write that waits tells it;
    /// if there is none, the socket does, as in Node, where the write has told it at once.
    fn tell_kept_error(self: &Arc<Self>, mut control: MutexGuard<'_, Control>) {
        let Some(errno) = control.kept_error.take() else {
            return;
        };
        let awaited = std::mem::take(&mut control.write_awaited);
        control.read_done |= !awaited;
        drop(control);
        let notice = if awaited {
            Records::notice(&[WRITTEN, errno as u32])
        } else {
            Records::notice(&[SOCKET_ERROR, errno as u32, SYSCALL_WRITE])
        };
        self.deliver(Kind::Notice, notice);
    }

    /// The answer to PARKED: not accepted. See [`task::decline_upgrade`].
    pub fn decline_upgrade(self: &Arc<Self>) -> Option<Records> {
        task::decline_upgrade(self)
    }

    /// Closes the connection; pending output is dropped. What was deferred counts as taken by the
    /// kernel, and is sent all the same, unless the peer is to get RST. Returns what was written to it.
    pub fn close(&self, reset: bool) -> u64 {
        let mut control = crate::lock(&self.control);
        let written = control.written;
        if !control.is_open() {
            return written;
        }
        // Nobody is left who could be told of an error.
        let _ = send_deferred(&mut control, false);
        control.fate = Fate::Closing { reset };
        let waker = control.waker.take();
        drop(control);
        self.uncount();
        wake(waker);
        written
    }

    /// The delivery of a packet was consumed behind which there is a hang-up: the end is delivered
    /// next. False if nothing is to be read by now, so that reading finds what there is later.
    pub fn hang_up(self: &Arc<Self>) -> bool {
        task::hang_up(self)
    }

    /// A reactor tells of FIN, a hang-up or an error.
    fn note_closed(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether bytes are on their way to JavaScript, or are being dispatched. FIN alone is none.
    pub fn has_bytes_coming(&self) -> bool {
        let control = crate::lock(&self.control);
        control.has_bytes && self.is_coming(&control)
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
        // If that fails, so does the next read or write on the descriptor.
        let _ = send_deferred(&mut control, false);
        let pending = control.outbox.take();
        let fin_wanted = control.shutdown == Shutdown::Wanted;
        control.fate = Fate::Detached;
        if control.counted {
            self.server.connections.adjust_owned(-1);
        }
        let outstanding = self.is_coming(&control);
        let hung_up = control.hung_up;
        let waker = control.waker.take();
        drop(control);
        drop(read);
        wake(waker);
        Ok(Detached {
            fd,
            server: self.server.clone(),
            parser,
            progress: self.progress(),
            parked,
            pending,
            fin_wanted,
            outstanding,
            hung_up,
        })
    }

    pub fn bytes_written(&self) -> u64 {
        crate::lock(&self.control).written
    }

    /// Output that JavaScript waits for.
    pub fn write_queue_size(&self) -> usize {
        crate::lock(&self.control).outbox.waiting()
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
    fn refuse_stranger(&self, code: Code, seen: &mut Seen, overdue: Option<Overdue>) -> bool {
        let replies = self.server.refusals.replies();
        let own = replies.and_then(|replies| replies.get(Some(code)));
        let ended = self.end_stranger(|fd| {
            self.locate(seen, fd);
            let circumstances = Circumstances {
                outcome: Outcome::Reply,
                status: own.map_or(status(code.default_reply()), |own| own.status),
                overdue,
                ..Circumstances::default()
            };
            let field = own.map(|own| (own, seen.field()));
            let id = self.server.refusals.add(seen, circumstances);
            // What the kernel does not take is lost, as with a write before a destroy in Node.
            let _ = match field {
                Some((own, field)) => {
                    let filling = seen.filling(code.as_str(), &field, id);
                    io::send(fd, &[&own.render(filling)])
                }
                None => io::send(fd, &[code.default_reply()]),
            };
        });
        if ended {
            self.server.counters.count(code);
            self.refused.store(true, Ordering::Relaxed);
        }
        ended
    }

    /// The connection was answered a refusal, and is about to be closed.
    pub fn set_refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Whether its descriptor is kept for a while once it is closed.
    fn lingers(&self) -> bool {
        self.refused.load(Ordering::Relaxed) && self.server.settings.linger() > 0
    }

    /// Refuses a stranger whose message is overdue by these limits (ms).
    pub fn refuse_overdue(&self, headers: u64, request: u64) -> bool {
        if self.server.settings.native_refusals() == 0 {
            return false;
        }
        let (mut seen, overdue) = self.see_overdue(headers, request);
        self.refuse_stranger(Code::RequestTimeout, &mut seen, overdue)
    }

    /// Looks at a connection whose message is overdue by these limits (ms).
    pub fn see_overdue(&self, headers: u64, request: u64) -> (Seen, Option<Overdue>) {
        let overdue = self.progress().passed(now(), headers, request);
        let seen = self.look(
            CodeNumber::of(Code::RequestTimeout),
            None,
            classify::timeout,
        );
        (seen, overdue)
    }

    /// Looks at the connection between two packets; what `hint` makes of the phase is the hint.
    pub fn look(
        &self,
        code: CodeNumber,
        reason: Option<Reason>,
        hint: fn(Phase) -> Option<Hint>,
    ) -> Seen {
        let read = crate::lock(&self.read);
        let mut seen = see(&self.server, read.parser.as_ref(), code, reason, hint);
        drop(read);
        self.with_fd(|fd| self.locate(&mut seen, fd));
        seen
    }

    /// Adds to what was seen who it was. The local address is that of the listener; where that listens
    /// on every address it costs a system call, which only what is kept is worth.
    fn locate(&self, seen: &mut Seen, fd: RawFd) {
        if matches!(seen.sight, Sight::Skipped) || seen.origin.opened != 0 {
            seen.origin.peer = self.peer;
            return;
        }
        seen.origin = Origin {
            peer: self.peer,
            local: self
                .server
                .bound
                .get(self.bound)
                .or_else(|| address::end(fd, End::Local)),
            opened: self.opened,
        };
    }

    /// JavaScript is about to close the connection, all of whose requests it has answered: counts that,
    /// if it is the server that ends it. `unread`: bytes were read that JavaScript has not heard of.
    pub fn note_idle_close(&self, unread: bool) {
        let progress = self.progress();
        let control = crate::lock(&self.control);
        if !progress.begun
            || !control.is_open()
            || control.read_done
            || control.shutdown != Shutdown::No
        {
            return;
        }
        let unread = unread || progress.start != 0 || io::has_unread(control.fd);
        drop(control);
        self.server.refusals.note_idle_close(self.peer, unread);
    }

    /// Closes a stranger after a socket error, and counts that.
    fn drop_stranger(&self, errno: i32, seen: &mut Seen) -> bool {
        let dropped = self.end_stranger(|fd| self.locate(seen, fd));
        if dropped {
            self.server.counters.count_text(io::errno_name(errno), 1);
            self.server.refusals.add(seen, Circumstances::default());
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
            if kind == Kind::Packet {
                control.outstanding = true;
                control.has_bytes = bytes > 0;
            }
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
        let (counted, shown) = {
            let control = crate::lock(&self.control);
            (control.counted, control.shown)
        };
        if counted {
            self.server.connections.adjust(-1);
            self.server.connections.adjust_owned(-1);
        }
        // What is left may be connections that do not keep the process alive, which JavaScript knows.
        if !shown || self.server.connections.open() <= 0 {
            notice_drain(&self.core, &self.server);
        }
    }
}

/// Looks at a parser between two packets.
fn see(
    server: &Server,
    parser: Option<&Parser>,
    code: CodeNumber,
    reason: Option<Reason>,
    hint: fn(Phase) -> Option<Hint>,
) -> Seen {
    let scene = parser.map(Parser::scene);
    let kind = RefusalKind {
        code,
        reason,
        hint: scene.and_then(|scene| hint(scene.phase)),
    };
    match scene {
        Some(scene) => server.refusals.see_end(kind, &scene),
        None => server.refusals.see_bare(kind),
    }
}

/// Changes the number of a server's open connections.
pub fn adjust_open(core: &Core, server: &Server, delta: i64) {
    server.connections.adjust(delta);
    if delta < 0 && server.connections.open() <= 0 {
        notice_drain(core, server);
    }
}

fn notice_drain(core: &Core, server: &Server) {
    if server.settings.drain_notice() != 0 {
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

/// What the kernel took of an output at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    All,
    Part,
    Nothing,
}

/// Offers deferred output to the kernel. `last`: FIN follows at once. If that fails, it is gone.
fn send_deferred(control: &mut Control, last: bool) -> Result<(), i32> {
    if !std::mem::take(&mut control.deferred) {
        return Ok(());
    }
    let front = control.outbox.front();
    let wanted = front.length();
    if wanted == 0 {
        return Ok(());
    }
    match send_some(control.fd, front.pieces(), last) {
        Ok(sent) => {
            control.tight = sent < wanted;
            control.outbox.advance(sent);
            Ok(())
        }
        Err(errno) => {
            control.outbox.clear();
            Err(errno)
        }
    }
}

/// Offers an output to the kernel; returns how much of it that took.
fn send_output(fd: RawFd, output: &Output<'_>, last: bool) -> Result<usize, i32> {
    let mut sent = 0;
    loop {
        let front = output.front(sent);
        if front.length() == 0 {
            return Ok(sent);
        }
        let count = send_some(fd, front.pieces(), last)?;
        sent += count;
        if count < front.length() {
            return Ok(sent);
        }
    }
}

/// As [`io::send`]; 0 if the kernel is full.
fn send_some(fd: RawFd, pieces: &[&[u8]], last: bool) -> Result<usize, i32> {
    let send = if last { io::send_before_fin } else { io::send };
    match send(fd, pieces) {
        Err(error)
            if error.kind() == std::io::ErrorKind::WouldBlock || io::is_out_of_buffers(&error) =>
        {
            Ok(0)
        }
        result => result.map_err(|error| error.raw_os_error().unwrap_or(libc::EIO)),
    }
}
