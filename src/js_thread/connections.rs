//! The JavaScript thread's side of the queue: ids of connections, acknowledgements, and deliveries that are held back
//! while a connection is paused.

use std::cell::Cell;
use std::collections::VecDeque;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use super::postponed::{Postponed, Wanted};
use super::reactor::Reactor;
use super::slots::Slots;
use crate::conn::delivery::{Behind, Delivery, Kind, Source};
use crate::conn::task::Task;
use crate::conn::{Conn, Core, Detached, Http, Knowledge};
use crate::engine::deferred::Moment;
use crate::engine::queue::Inbox;
use crate::memory::Supply;
use crate::record::{Records, now};
use crate::sync::atomic::Ordering;

/// Flags of a delivery.
pub use crate::layout::delivery::{FIRST, SERVER_RECORD as SERVER};

/// The id of a connection that JavaScript does not use any more. Its queued deliveries are dropped.
const GONE: u32 = u32::MAX;

/// How many bytes are delivered in one turn of the event loop. After that the event loop does other work.
const BYTES_PER_TURN: u32 = 2 << 20;

/// How many requests are delivered in one turn. The requests of one packet come together, as in Node.
const REQUESTS_PER_TURN: u32 = 512;

/// How many packets of one connection are read in a turn, as long as each is of full size: libuv's number.
const READS_PER_TURN: u32 = 32;

/// How many ns the program may take before what the kernel has said about connections counts as outdated.
const SHORT: u64 = 40_000;

/// The number of no stretch of time.
const LONG_AGO: u32 = u32::MAX;

/// How far a connection has ended when JavaScript closes it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Closing {
    /// How many bytes JavaScript has written.
    pub written: u64,
    /// The descriptor is closed and the id is free. If not, CLOSED will tell it.
    pub is_over: bool,
}

/// A delivery for `next`.
#[derive(Debug)]
pub struct Popped {
    /// The connection's id, or the server's.
    pub id: u32,
    /// The flags for JavaScript ([`layout::delivery`](crate::layout::delivery)).
    pub flags: u32,
    /// The id of the connection's server, if this is its first delivery; else 0.
    pub server: u32,
    /// How many bytes were read for it.
    pub bytes: u32,
    /// Its records.
    pub records: Records,
}

#[derive(Debug)]
struct Slot {
    conn: Arc<Conn>,
    /// JavaScript has closed it, and another thread has still to close the descriptor. Only CLOSED is still delivered.
    destroyed: bool,
    /// JavaScript has taken it over. Only what was parsed before is still delivered.
    detached: bool,
    paused: bool,
    /// A packet that came for a paused connection.
    held: Option<Delivery>,
}

impl Slot {
    /// Whether bytes were read that JavaScript has not heard of. A notice and FIN have none.
    fn has_unread(&self, told: bool) -> bool {
        let held = self.held.as_ref().is_some_and(|held| held.bytes > 0);
        held || !told && self.conn.has_bytes_coming()
    }
}

#[derive(Debug)]
struct Current {
    conn: Arc<Conn>,
    then: Then,
    /// The number of the stretch of time in which the kernel was asked about the connection last. `LONG_AGO` if this is
    /// its first packet, which another thread has read.
    asked: Cell<u32>,
}

/// What happens after a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The connection is read again in the next turn.
    NextTurn,
    /// The connection is read again at once.
    ReadOn,
    /// The end follows.
    HangUp,
}

/// Connections that JavaScript knows, by id, and deliveries that were taken from the queue.
#[derive(Debug, Default)]
pub struct Connections {
    /// By id.
    slots: Slots<Slot>,
    ready: VecDeque<Delivery>,
    /// Serves connections on this thread. None while there are I/O threads.
    reactor: Option<Reactor>,
    /// Connections that have moved to this thread.
    arrivals: Vec<Task>,
    /// Those of them to which FIN was sent. A later turn reads them, because the FIN of the peer is often there by then.
    postponed: Postponed,
    /// Empty. It is swapped for what is in the queue.
    inbox: Inbox<Http>,
    /// The connection whose packet is being dispatched.
    current: Option<Current>,
    /// Connections whose packets were dispatched in this turn. As by libuv, each is read again in the next turn. So
    /// what the program does after a packet in the same turn (setImmediate, a write) comes before the next packet, FIN
    /// or RST.
    told: Vec<Arc<Conn>>,
    /// Connections whose reading was resumed in this turn. As in libuv, it goes on in the next turn.
    resumed: Vec<u32>,
    /// How many bytes and requests were delivered in this turn.
    bytes: u32,
    requests: u32,
    /// How many packets of full size one connection has given without a break.
    reads: u32,
    /// The reactor was polled in this turn. It is polled once; later events belong to the next turn.
    polled: bool,
    /// When this thread last asked the kernel, or noticed that it was working.
    noticed: Cell<u64>,
    /// How often since then the program has taken so long that what the kernel said may not hold any more. It numbers the
    /// stretches of time in between.
    stretch: Cell<u32>,
    /// Ids that become free after the current delivery.
    ending: Vec<u32>,
}

impl Connections {
    /// Acknowledges the last delivery and pops the next one. Returns None if the queue is empty; then the next delivery
    /// wakes JavaScript. Reading takes memory from `supply`.
    pub fn next(&mut self, core: &Arc<Core>, supply: &mut dyn Supply) -> Option<Popped> {
        let mut goes_on = false;
        if let Some(Current { conn, then, .. }) = self.current.take() {
            match then {
                Then::ReadOn => goes_on = self.read_on(core, &conn, supply),
                Then::HangUp if conn.hang_up() => {}
                Then::HangUp | Then::NextTurn => {
                    conn.consume();
                    self.told.push(conn);
                }
            }
        }
        while let Some(id) = self.ending.pop() {
            self.release(id);
        }
        while goes_on || !self.is_long() {
            goes_on = false;
            if let Some(delivery) = self.ready.pop_front() {
                core.queue.popped(&delivery);
                if let Some(popped) = self.open(delivery) {
                    self.bytes += popped.bytes;
                    self.requests += popped.records.heads;
                    return Some(popped);
                }
            } else if !self.find_more(core, supply) {
                return None;
            }
        }
        // The rest in another turn.
        core.deferred.flush(Moment::Batch);
        core.queue.rewake();
        None
    }

    /// Reads a connection again whose packet had full size. As with libuv, the next packet comes before those of other
    /// connections, and in the same turn. Returns false if there is none, or if another thread reads the connection.
    fn read_on(&mut self, core: &Arc<Core>, conn: &Arc<Conn>, supply: &mut dyn Supply) -> bool {
        conn.acknowledge();
        let seat = conn.seat.load(Ordering::Relaxed);
        let Some(reactor) = self.reactor.as_mut().filter(|_| seat != 0) else {
            return false;
        };
        reactor.run_one(seat, supply);
        let before = self.ready.len();
        self.take_inbox(core);
        let found = (before..self.ready.len()).find(|&i| {
            self.ready
                .get(i)
                .is_some_and(|delivery| delivery.is_packet_of(conn))
        });
        let packet = found.and_then(|i| self.ready.remove(i));
        let came = packet.is_some();
        if let Some(packet) = packet {
            self.ready.push_front(packet);
        }
        came
    }

    /// Begins a turn, because the event loop is about to poll for events. Within one turn, `next` may return None more
    /// than once. Returns after how many ms the event loop is to wake JavaScript, if nothing else does.
    pub fn begin_turn(&mut self, core: &Core) -> Option<u64> {
        self.bytes = 0;
        self.requests = 0;
        self.read_again(core);
        let wanted = match self.postponed.is_empty() {
            true => Wanted::Nothing,
            false => self.postponed.wanted(now()),
        };
        if wanted == Wanted::Turn || !self.ready.is_empty() {
            core.queue.rewake();
        }
        match wanted {
            Wanted::Timer(ms) => Some(ms),
            Wanted::Nothing | Wanted::Turn => None,
        }
    }

    /// Begins a turn without the event loop, if the loop has nothing else to do. Returns false if there is nothing to
    /// do here either, or if this has gone on for long.
    pub fn go_on(&mut self, core: &Core, is_idle: impl FnOnce() -> bool) -> bool {
        let waits = !self.told.is_empty() || !self.resumed.is_empty();
        let goes_on = waits && !self.is_long() && is_idle();
        if goes_on {
            self.read_again(core);
        }
        goes_on
    }

    /// Whether enough was delivered, so that the event loop is to do other work.
    fn is_long(&self) -> bool {
        self.bytes >= BYTES_PER_TURN || self.requests >= REQUESTS_PER_TURN
    }

    fn read_again(&mut self, core: &Core) {
        self.polled = false;
        for conn in self.told.drain(..) {
            conn.acknowledge();
        }
        while let Some(id) = self.resumed.pop() {
            let Some(slot) = self.slots.get_mut(id).filter(|slot| !slot.paused) else {
                continue;
            };
            slot.conn.read_on();
            if let Some(held) = slot.held.take() {
                self.put_back(core, held);
            }
        }
    }

    /// Looks for something to deliver. Returns false if there is nothing; then whatever comes next wakes JavaScript.
    /// Returns true if there may be something, so that `next` has to look again.
    fn find_more(&mut self, core: &Arc<Core>, supply: &mut dyn Supply) -> bool {
        core.deferred.flush(Moment::Batch);
        let turn_begins = !std::mem::replace(&mut self.polled, true);
        if let Some(reactor) = &mut self.reactor {
            if turn_begins && !self.postponed.is_empty() {
                let at = now();
                while let Some(token) = self.postponed.take(at) {
                    reactor.wake_task(token);
                }
            }
            // Their first packets were dispatched, and many connections have ended by that.
            for task in self.arrivals.drain(..) {
                let at = self.noticed.get();
                let is_postponed =
                    task.is_refused() && (!turn_begins || self.postponed.is_crowded(at));
                let Some(token) = reactor.admit(core, task) else {
                    continue;
                };
                if is_postponed {
                    self.postponed.add(token, at);
                } else {
                    reactor.wake_task(token);
                }
            }
        }
        let mut came = self.take_inbox(core);
        if let Some(reactor) = &mut self.reactor {
            if turn_begins {
                reactor.poll();
            }
            // All tasks run before anything is dispatched, because system calls of the same kind in a row are faster.
            if reactor.run(supply) {
                came = self.take_inbox(core);
            }
        }
        self.noticed.set(now());
        self.stretch.set(0);
        let is_busy = self.reactor.as_ref().is_some_and(Reactor::is_busy);
        // A delivery wakes JavaScript only if JavaScript has found the queue empty. So it has to look until the queue
        // is empty.
        came || !self.ready.is_empty() || !self.arrivals.is_empty() || is_busy
    }

    /// Takes what is in the queue. Returns false if there is nothing.
    fn take_inbox(&mut self, core: &Core) -> bool {
        let came = core.queue.take(&mut self.inbox);
        self.ready.append(&mut self.inbox.deliveries);
        if let Some(reactor) = &mut self.reactor {
            for token in self.inbox.woken.drain(..) {
                reactor.wake_task(token);
            }
        }
        self.arrivals.append(&mut self.inbox.arrivals);
        self.inbox.returned.clear();
        came
    }

    /// Prepares for serving established connections on this thread. The returned descriptor is readable when there is
    /// something to do.
    pub fn serve(&mut self) -> std::io::Result<RawFd> {
        match &self.reactor {
            Some(reactor) => Ok(reactor.as_raw_fd()),
            None => Ok(self.reactor.insert(Reactor::new()?).as_raw_fd()),
        }
    }

    /// Ends every connection that is served on this thread.
    pub fn stop_serving(&mut self) {
        self.told.clear();
        self.resumed.clear();
        self.arrivals.clear();
        self.postponed.clear();
        self.reactor = None;
    }

    /// Decides whether a delivery goes to JavaScript, is held back, or is dropped.
    fn open(&mut self, delivery: Delivery) -> Option<Popped> {
        let Delivery {
            source,
            kind,
            bytes,
            behind,
            records,
        } = delivery;
        let conn = match source {
            Source::Server(id) => {
                return Some(Popped {
                    id,
                    flags: SERVER,
                    server: 0,
                    bytes: 0,
                    records,
                });
            }
            Source::Conn(conn) => conn,
        };
        let known = conn.id.load(Ordering::Relaxed);
        if known == GONE {
            return None;
        }
        let (id, flags, server) = match known {
            0 => (self.assign(&conn)?, FIRST, conn.server.id),
            id => (id, 0, 0),
        };
        let slot = self.slot(id)?;
        match kind {
            Kind::Closed => self.ending.push(id),
            _ if slot.destroyed => return None,
            Kind::Packet if slot.paused => {
                conn.release_output();
                slot.held = Some(Delivery {
                    source: Source::Conn(conn),
                    kind,
                    bytes,
                    behind,
                    records,
                });
                return None;
            }
            Kind::Packet => {
                if slot.detached {
                    self.ending.push(id);
                }
                let may_go_on = self.reads + 1 < READS_PER_TURN
                    && self.requests + records.heads < REQUESTS_PER_TURN;
                let then = match behind {
                    Behind::Bytes if may_go_on => Then::ReadOn,
                    behind if conn.look_for_hang_up(behind) => Then::HangUp,
                    _ => Then::NextTurn,
                };
                self.reads = if then == Then::ReadOn {
                    self.reads + 1
                } else {
                    0
                };
                let asked = Cell::new(if flags == FIRST { LONG_AGO } else { 0 });
                self.current = Some(Current { conn, then, asked });
            }
            Kind::Notice if slot.detached => return None,
            Kind::Notice => {}
        }
        Some(Popped {
            id,
            flags,
            server,
            bytes,
            records,
        })
    }

    /// Whether further deliveries are ready behind the current one.
    pub fn has_more(&self) -> bool {
        !self.ready.is_empty()
    }

    /// What is known of the peer of `conn`. Whoever learns that it is outdated asks the kernel.
    pub fn knowledge(&self, conn: &Arc<Conn>) -> Knowledge {
        let Some(current) = &self.current else {
            return Knowledge::Unasked;
        };
        let now = now();
        if now.wrapping_sub(self.noticed.replace(now)) > SHORT {
            self.stretch.set(self.stretch.get() + 1);
        }
        let stretch = self.stretch.get();
        let asked = if Arc::ptr_eq(conn, &current.conn) {
            current.asked.replace(stretch)
        } else {
            0
        };
        if asked == stretch {
            Knowledge::Current
        } else {
            Knowledge::Outdated
        }
    }

    /// The connection with this id, unless JavaScript has ended it.
    pub fn get(&self, id: u32) -> Option<&Arc<Conn>> {
        let slot = self.slots.get(id)?;
        (!slot.destroyed && !slot.detached).then_some(&slot.conn)
    }

    /// The id of a connection that JavaScript will hear of. It gets one if it has none.
    pub fn id_of(&mut self, conn: &Arc<Conn>) -> Option<u32> {
        match conn.id.load(Ordering::Relaxed) {
            GONE => None,
            0 => self.assign(conn),
            id => self.get(id).map(|_| id),
        }
    }

    /// Stops reading a connection. A packet that is on its way is held back.
    pub fn pause(&mut self, id: u32) {
        if let Some(slot) = self.slot(id) {
            slot.paused = true;
            slot.conn.set_paused(true);
        }
    }

    /// Lets reading go on in the next turn. While a packet of the connection is being dispatched, it goes on as if it
    /// had not been stopped.
    pub fn resume(&mut self, id: u32) {
        let told = self.is_told(id);
        if let Some(slot) = self.slot(id) {
            slot.paused = false;
            slot.conn.set_paused(false);
            if told {
                slot.conn.read_on();
            } else {
                self.resumed.push(id);
            }
        }
    }

    /// Ends a connection. If a packet of it is still on its way to JavaScript, the peer gets RST, as from a kernel
    /// whose socket is closed with unread bytes.
    pub fn close(&mut self, id: u32, reset: bool) -> Closing {
        let told = self.is_told(id);
        let Some(slot) = self.slot(id) else {
            return Closing::default();
        };
        let unread = slot.has_unread(told);
        slot.held = None;
        slot.destroyed = true;
        let written = slot.conn.close(reset || unread);
        let seat = slot.conn.seat.load(Ordering::Relaxed);
        let is_over = self.end_task(seat);
        if is_over {
            self.release(id);
        }
        Closing { written, is_over }
    }

    /// The connection with this seat was closed: so is its descriptor now, as by libuv. Returns false if another thread
    /// still has to close it.
    fn end_task(&mut self, seat: u32) -> bool {
        let reactor = self.reactor.as_mut();
        reactor.is_some_and(|reactor| reactor.end(seat))
    }

    /// Notes that JavaScript is about to close a connection between two requests.
    pub fn note_idle_close(&mut self, id: u32) {
        let told = self.is_told(id);
        if let Some(slot) = self.slot(id) {
            slot.conn.note_idle_close(slot.has_unread(told));
        }
    }

    /// Takes the number of bytes that were read from a connection and belong to no delivery. Later calls and deliveries
    /// do not count them again.
    pub fn take_bytes_read(&mut self, id: u32) -> u32 {
        self.get(id).map_or(0, |conn| conn.take_bytes_read())
    }

    /// Gives a connection away. The number says how many of its packets are parsed but not popped yet. They are
    /// delivered first.
    pub fn detach(&mut self, core: &Core, id: u32) -> std::io::Result<(Detached, u32)> {
        let told = self.is_told(id);
        let Some(slot) = self
            .slot(id)
            .filter(|slot| !slot.destroyed && !slot.detached)
        else {
            return Err(std::io::Error::from_raw_os_error(libc::EBADF));
        };
        let detached = slot.conn.detach()?;
        slot.detached = true;
        slot.paused = false;
        let queued = detached.outstanding && !told;
        let held = slot.held.take();
        if let Some(held) = held {
            self.put_back(core, held);
        }
        if !queued {
            self.ending.push(id);
        }
        Ok((detached, u32::from(queued)))
    }

    /// Whether a packet of the connection is being dispatched.
    fn is_told(&self, id: u32) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.conn.id.load(Ordering::Relaxed) == id)
    }

    fn put_back(&mut self, core: &Core, held: Delivery) {
        core.queue.pushed(&held);
        self.ready.push_front(held);
    }

    fn slot(&mut self, id: u32) -> Option<&mut Slot> {
        self.slots.get_mut(id)
    }

    /// Gives a connection an id. If no id is free, the connection is closed.
    fn assign(&mut self, conn: &Arc<Conn>) -> Option<u32> {
        let id = self.slots.insert(Slot {
            conn: conn.clone(),
            destroyed: false,
            detached: false,
            paused: false,
            held: None,
        });
        conn.id.store(id.unwrap_or(GONE), Ordering::Relaxed);
        if id.is_none() {
            conn.close(true);
            self.end_task(conn.seat.load(Ordering::Relaxed));
        }
        id
    }

    fn release(&mut self, id: u32) {
        if let Some(slot) = self.slots.remove(id) {
            slot.conn.id.store(GONE, Ordering::Relaxed);
        }
    }
}
