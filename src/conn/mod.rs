//! One connection: what the JavaScript thread may ask of it.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`task`] | the task that reads, parses, delivers, refuses and closes |
//! | [`flow`] | when it is read next |
//! | [`write`] | output of JavaScript |
//! | [`refuse`] | refusals, and connections that are refused without JavaScript |
//! | [`detach`] | giving a connection away |
//! | [`state`] | the state that the task shares with the JavaScript thread |
//! | [`delivery`] | what goes to the JavaScript thread |
//! | [`outbox`] | output that the kernel has not taken |
//! | [`linger`] | descriptors that outlive their connection for a while |
//! | [`registry`] | the connections of a server |
//! | [`watch`] | when its descriptor is ready |
//! | [`io`], [`address`] | system calls |
//!
//! A connection is *new* until JavaScript knows it.
//!
//! There are two locks. `read` is held while a packet is read and parsed, and `control` for a few instructions or one
//! non-blocking send. Whoever takes both takes `read` first. The lock of the queue comes last.

pub mod address;
pub mod delivery;
mod detach;
mod flow;
pub mod io;
pub mod linger;
pub mod outbox;
pub mod output;
mod refuse;
pub mod registry;
#[cfg(test)]
#[allow(missing_docs, reason = "for the crate's own tests")]
pub mod simulation;
pub mod state;
pub mod task;
pub mod watch;
mod write;

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use crate::engine;
use crate::http1::Parser;
use crate::record::{ACCEPTED, DRAINED, Parked, Progress, Records};
use crate::server::Server;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use address::{Address, Bound, End};
use delivery::{Behind, Delivery, Kind, Source};
use state::{Control, Fate, Shutdown};

pub use detach::Detached;
use write::send_deferred;
pub use write::{Knowledge, Taken};

/// What the engine carries for HTTP.
#[derive(Debug)]
pub struct Http;

impl engine::Cargo for Http {
    type Delivery = Delivery;
    type Task = task::Task;
    type Output = Conn;
}

/// The engine of connections.
pub type Core = engine::Core<Http>;

/// One connection.
#[derive(Debug)]
pub struct Conn {
    core: Arc<Core>,
    /// The server that accepted it.
    pub server: Arc<Server>,
    /// The client's address. It is asked for at accept, because the kernel forgets it after a reset.
    peer: Option<SocketAddr>,
    /// The address of the listener that accepted it.
    bound: Bound,
    /// When it began, in ns of [`now`](crate::record::now).
    opened: u64,
    /// It was refused. With the setting `linger`, what the client still sends is read before it is closed.
    refused: AtomicBool,
    /// The id by which JavaScript knows it, 0 for none. Only the JavaScript thread uses it.
    pub id: AtomicU32,
    /// Its place in the server's list.
    place: AtomicU32,
    /// The token of its task in the JavaScript thread's reactor, 0 for none; only that thread's.
    pub seat: AtomicU32,
    start: AtomicU64,
    headers_complete: AtomicBool,
    begun: AtomicBool,
    /// `start` of the message that was reported as overdue.
    reported: AtomicU64,
    /// The outstanding packet was dispatched. Only the JavaScript thread uses it.
    consumed: AtomicBool,
    /// A packet is on its way to JavaScript or is being dispatched. On the JavaScript thread output waits until it has
    /// been dispatched, because libuv writes after it has reported what it read.
    telling: AtomicBool,
    /// Output waits for that. Only the JavaScript thread uses it.
    flush_due: AtomicBool,
    /// A reactor has reported FIN, a hang-up or an error.
    closed: AtomicBool,
    /// The kernel had no room at the last write, and no reactor has reported room since.
    full: AtomicBool,
    /// A panic has ended it.
    panicked: AtomicBool,
    /// A test lets its packets panic.
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
    /// The last packet had the largest possible size.
    full: bool,
    /// The task has asked the kernel for bytes in its current turn.
    asked: bool,
}

impl Conn {
    /// Takes over a connected descriptor. The caller has entered the engine for it. With the setting `eager`,
    /// JavaScript hears of the connection at once.
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
            seat: AtomicU32::new(0),
            start: AtomicU64::new(progress.start),
            headers_complete: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            reported: AtomicU64::new(0),
            consumed: AtomicBool::new(false),
            telling: AtomicBool::new(false),
            flush_due: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            full: AtomicBool::new(false),
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
                asked: false,
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

    /// Counts the connection. Returns false if it counts already, or has ended.
    pub fn admit(&self) -> bool {
        let mut control = crate::lock(&self.control);
        let counts = control.is_open() && !std::mem::replace(&mut control.counted, true);
        if counts {
            self.server.connections.adjust(1);
            self.server.connections.adjust_owned(1);
        }
        counts
    }

    /// Answers PARKED: the upgrade is not accepted. See [`task::decline_upgrade`].
    pub fn decline_upgrade(self: &Arc<Self>) -> Option<Records> {
        task::decline_upgrade(self)
    }

    /// A listener threw while a packet was dispatched. All later packets are refused.
    pub fn give_up(&self) {
        let mut read = crate::lock(&self.read);
        read.parked = None;
        if let Some(parser) = &mut read.parser {
            parser.give_up();
        }
        let mut control = crate::lock(&self.control);
        control.parked = false;
        let waker = control.release();
        drop(control);
        drop(read);
        wake(waker);
    }

    /// Closes the connection and drops pending output. Deferred output counts as taken by the kernel, so it is still
    /// sent, unless the peer is to get RST. Returns how many bytes JavaScript has written. The task closes the
    /// descriptor; if it has a seat, the caller lets it do so at once.
    pub fn close(&self, reset: bool) -> u64 {
        let mut control = crate::lock(&self.control);
        let written = control.written;
        if !control.is_open() {
            return written;
        }
        // An error could not be reported to anybody any more.
        let _ = send_deferred(&mut control, false);
        if control.shutdown == Shutdown::Due {
            // If bytes are unread, closing sends RST, which would drop what the kernel holds back.
            control.uncork();
        }
        control.fate = Fate::Closing { reset };
        let waker = control.waker.take();
        drop(control);
        self.uncount();
        if self.seat.load(Ordering::Relaxed) == 0 {
            wake(waker);
        }
        written
    }

    /// The address of one end. None if it has no Internet address, or the connection has ended.
    pub fn address(&self, end: End) -> Option<Address> {
        self.with_fd(|fd| address::of(fd, end)).flatten()
    }

    /// Runs `f` on the open descriptor.
    pub fn with_fd<T>(&self, f: impl FnOnce(RawFd) -> T) -> Option<T> {
        let control = crate::lock(&self.control);
        (control.fd >= 0 && control.fate == Fate::Open).then(|| f(control.fd))
    }

    /// Makes sure that JavaScript will hear of the end of the connection. Returns false if it has ended.
    pub fn show(&self) -> bool {
        let mut control = crate::lock(&self.control);
        let open = control.is_open();
        control.shown |= open;
        open
    }

    /// Whether the message in progress is overdue, and was not reported yet.
    pub fn is_newly_overdue(&self, now: u64, headers: u64, request: u64) -> bool {
        let progress = self.progress();
        progress.overdue(now, headers, request)
            && self.reported.swap(progress.start, Ordering::Relaxed) != progress.start
    }

    /// Whether the connection is between two messages, as far as JavaScript can know.
    pub fn is_idle(&self) -> bool {
        let progress = self.progress();
        let silent = !progress.begun && self.server.settings.idle_includes_silent() != 0;
        (progress.start == 0 || silent) && {
            let control = crate::lock(&self.control);
            control.is_open() && !self.is_coming(&control)
        }
    }

    /// How far the message in progress has come. It never mixes the beginning of one message with the state of the
    /// next.
    fn progress(&self) -> Progress {
        loop {
            let start = self.start.load(Ordering::Acquire);
            let headers_complete = self.headers_complete.load(Ordering::Acquire);
            // Two messages do not begin at the same time, and the beginning is stored first.
            if self.start.load(Ordering::Relaxed) == start {
                return Progress {
                    start,
                    headers_complete,
                    begun: self.begun.load(Ordering::Relaxed),
                };
            }
        }
    }

    pub(crate) fn set_progress(&self, progress: Progress) {
        self.start.store(progress.start, Ordering::Release);
        self.headers_complete
            .store(progress.headers_complete, Ordering::Release);
        self.begun.store(progress.begun, Ordering::Relaxed);
    }

    /// Puts the records of a packet on their way, as [`deliver`](Self::deliver) does.
    fn deliver_packet(self: &Arc<Self>, bytes: u32, records: Records, behind: Behind) {
        self.push(Kind::Packet, bytes, records, behind);
    }

    /// Puts a delivery on its way, unless JavaScript or a refusal has ended the connection.
    /// CLOSED is delivered in any case.
    fn deliver(self: &Arc<Self>, kind: Kind, records: Records) {
        self.push(kind, 0, records, Behind::Nothing);
    }

    fn push(self: &Arc<Self>, kind: Kind, bytes: u32, records: Records, behind: Behind) {
        {
            let mut control = crate::lock(&self.control);
            if kind != Kind::Closed && !control.is_open() {
                // Another thread has read this while JavaScript closed the connection. Nobody will hear of it.
                if bytes > 0 && control.fate == (Fate::Closing { reset: false }) {
                    control.fate = Fate::Closing { reset: true };
                }
                return;
            }
            control.shown = true;
            if kind == Kind::Packet {
                self.telling.store(true, Ordering::Relaxed);
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

    /// Notes that the connection no longer counts as open. Whoever ended it calls this once.
    fn uncount(&self) {
        let (counted, shown) = {
            let control = crate::lock(&self.control);
            (control.counted, control.shown)
        };
        if counted {
            self.server.connections.adjust(-1);
            self.server.connections.adjust_owned(-1);
        }
        // Perhaps nothing keeps the process alive any more. Only JavaScript knows.
        if !shown || self.server.connections.open() <= 0 {
            notice_drain(&self.core, &self.server);
        }
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
