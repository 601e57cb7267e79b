//! The engine's threads in every order: the lobby, an I/O thread, the JavaScript thread and the peers run one at a
//! time, and which one goes on at each lock and each atomic is drawn. A wake-up that is lost leaves threads that
//! wait for each other, which is found at once. `cargo test --lib --features schedules schedules` runs them;
//! `crate::sync` says how.
//!
//! What these do not find is an atomic whose ordering is too weak: here each is seen by all threads at once.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::task::{Poll, Wake};

use shuttle::future::block_on;
use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::Condvar;
use shuttle::{Config, Runner, thread};

use super::connections::{Connections, Popped, SERVER};
use crate::conn::address::Bound;
use crate::conn::delivery::Delivery;
use crate::conn::outbox::{Output, Piece};
use crate::conn::simulation;
use crate::conn::task::Task;
use crate::conn::{Conn, Core, Http, Knowledge, Taken, adjust_open};
use crate::engine::deferred::Moment;
use crate::engine::queue::{BACKLOG_LIMIT, Inbox, Queue};
use crate::http1::Profile;
use crate::listener::Listener;
use crate::memory::Vecs;
use crate::record::*;
use crate::server::Server;
use crate::sync::{Mutex, lock};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Orders of each test. The environment's `SCHEDULES` has more of them tried.
const ORDERS: usize = 1000;

/// Runs a test in many orders: half of them with all threads alike, half with some that come late.
fn explore(test: impl Fn() + Send + Sync + Copy + 'static) {
    let wanted = std::env::var("SCHEDULES").ok();
    let orders = wanted.and_then(|text| text.parse().ok()).unwrap_or(ORDERS);
    run(RandomScheduler::new(orders / 2), test);
    run(PctScheduler::new(3, orders / 2), test);
}

fn run(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        simulation::reset(false);
        test();
    });
}

fn one_of(count: usize) -> usize {
    thread_rng().gen_range(0..count)
}

/// What an event loop waits for.
#[derive(Default)]
struct Bell {
    rung: Mutex<Rung>,
    changed: Condvar,
}

#[derive(Default)]
struct Rung {
    queue: bool,
    reactor: bool,
}

impl Bell {
    fn ring(&self, ring: impl FnOnce(&mut Rung)) {
        ring(&mut lock(&self.rung));
        self.changed.notify_one();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring(|rung| rung.reactor = true);
    }
}

/// A connection as JavaScript has it.
#[derive(Default)]
struct Known {
    heads: usize,
    /// What is to be written, and what was.
    unwritten: VecDeque<Vec<u8>>,
    written: Vec<u8>,
    pending: bool,
    ended: bool,
    failed: bool,
    paused: bool,
    shut: bool,
    shut_awaited: bool,
    closed: bool,
    /// CLOSED was told.
    gone: bool,
}

/// The JavaScript thread.
struct Js {
    core: Arc<Core>,
    server: Arc<Server>,
    connections: Connections,
    bell: Arc<Bell>,
    known: BTreeMap<u32, Known>,
    /// What is done in the next turn of the event loop.
    resuming: Vec<u32>,
    answering: Vec<u32>,
    drained: usize,
}

impl Js {
    fn new(io_threads: usize) -> Js {
        let bell = Arc::new(Bell::default());
        let rung = bell.clone();
        let queue = Queue::<Http>::new(Box::new(move || rung.ring(|rung| rung.queue = true)));
        let mut connections = Connections::default();
        if io_threads == 0 {
            connections.serve().unwrap();
        }
        Js {
            core: Arc::new(Core::new(queue, io_threads)),
            server: Arc::new(Server::new(1, Profile::for_host("9.4.3", 24))),
            connections,
            bell,
            known: BTreeMap::new(),
            resuming: Vec::new(),
            answering: Vec::new(),
            drained: 0,
        }
    }

    /// A connection that somebody else accepted.
    fn adopt(&self) -> (RawFd, Arc<Conn>) {
        let fd = simulation::open();
        let lobby = self.core.enter().unwrap();
        // SAFETY: nobody owns the number; the connection takes it out again at once.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        let conn = Conn::open(&self.core, &self.server, owned, None, Bound::default());
        lobby.spawn(Task::stranger(conn.clone()));
        (fd, conn)
    }

    /// Waits as the event loop does, which begins a turn with that.
    fn wait(&mut self) {
        self.connections.begin_turn(&self.core);
        let reactor = simulation::await_events(self.bell.clone().into());
        let rung = {
            let mut rung = lock(&self.bell.rung);
            rung.reactor |= reactor;
            while !(rung.queue || rung.reactor) {
                rung = self.bell.changed.wait(rung).unwrap();
            }
            std::mem::take(&mut *rung)
        };
        if rung.reactor {
            self.core.queue.awaken();
        }
    }

    /// One turn of the event loop, which waits for something to do.
    fn turn(&mut self) {
        self.wait();
        self.act();
        self.drain();
    }

    /// What timers do.
    fn act(&mut self) {
        for id in std::mem::take(&mut self.resuming) {
            self.known.get_mut(&id).unwrap().paused = false;
            self.connections.resume(id);
            self.bell.ring(|rung| rung.queue = true);
        }
        for id in std::mem::take(&mut self.answering) {
            self.go_on(id, false);
        }
    }

    fn drain(&mut self) {
        while let Some(popped) = self.connections.next(&self.core, &mut Vecs) {
            self.told(&popped);
        }
    }

    /// Turns until no connection and no listener is left.
    fn serve(&mut self) {
        while self.core.live() > 0 || self.core.is_running() {
            self.turn();
        }
        self.drain();
    }

    /// The next delivery, for a test that goes on by itself.
    fn next(&mut self) -> Popped {
        loop {
            if let Some(popped) = self.connections.next(&self.core, &mut Vecs) {
                return popped;
            }
            self.wait();
        }
    }

    /// JavaScript's look at what is overdue, as `expired` in binding/server.rs.
    fn sweep(&mut self) {
        let overdue = self
            .server
            .connections
            .pick(|conn| conn.is_newly_overdue(u64::MAX, 1, 0));
        for conn in overdue {
            if !conn.refuse_overdue(1, 0) {
                assert!(!conn.show(), "a stranger is left");
            }
        }
    }

    fn told(&mut self, popped: &Popped) {
        let numbers = &popped.records.numbers;
        if popped.flags & SERVER != 0 {
            self.drained += usize::from(numbers[0] == DRAINED);
            return;
        }
        let id = popped.id;
        let known = self.known.entry(id).or_default();
        let mut at = 0;
        while let Some(&record) = numbers.get(at) {
            assert!(!known.gone, "told after CLOSED");
            assert!(
                !known.closed || record == CLOSED,
                "told after it was closed"
            );
            at += match record {
                HEAD => {
                    assert!(!known.paused, "a request of a paused connection");
                    assert!(!known.ended, "a request after the end");
                    known.heads += 1;
                    known.unwritten.push_back(vec![known.heads as u8; 8]);
                    6 + 2 * numbers[at + 5] as usize
                }
                END => {
                    assert!(!std::mem::replace(&mut known.ended, true), "two ends");
                    4
                }
                SOCKET_ERROR => {
                    assert_ne!(numbers[at + 1], PANICKED, "a panic");
                    known.ended = true;
                    known.failed = true;
                    3
                }
                WRITTEN => {
                    assert!(std::mem::take(&mut known.pending), "written twice");
                    known.failed |= numbers[at + 1] != 0;
                    2
                }
                SHUTDOWN => {
                    assert!(std::mem::take(&mut known.shut_awaited), "shut twice");
                    known.failed |= numbers[at + 1] != 0;
                    2
                }
                ACCEPTED => 1,
                CLOSED => {
                    known.gone = true;
                    1
                }
                other => panic!("record {other}"),
            };
        }
        if known.gone {
            return;
        }
        match one_of(4) {
            0 if !known.paused && !known.ended => {
                known.paused = true;
                self.connections.pause(id);
                self.resuming.push(id);
                self.bell.ring(|rung| rung.queue = true);
                self.go_on(id, true);
            }
            1 => {
                self.answering.push(id);
                self.bell.ring(|rung| rung.queue = true);
            }
            _ => self.go_on(id, true),
        }
    }

    /// Writes what is to be written, one piece at a time as a stream does, and then FIN, and closes.
    fn go_on(&mut self, id: u32, dispatching: bool) {
        let Some(known) = self.known.get_mut(&id).filter(|known| !known.closed) else {
            return;
        };
        let Some(conn) = self.connections.get(id).cloned() else {
            return;
        };
        while !known.pending
            && !known.failed
            && let Some(mut piece) = known.unwritten.pop_front()
        {
            let range = 0..piece.len();
            let copy = piece.clone();
            let mut output = Output {
                text: &mut piece,
                pieces: &[Piece::Text(range)],
                blanks: 0,
                lend: &|| None,
            };
            if one_of(2) == 0
                && conn.defer(
                    &output,
                    if dispatching {
                        Knowledge::Current
                    } else {
                        Knowledge::Unasked
                    },
                )
            {
                self.core.deferred.add(&conn);
                known.written.extend(copy);
                continue;
            }
            match conn.write(&mut output, false) {
                Ok(Taken::Ended(errno)) => {
                    known.failed = errno != 0;
                    known.written.extend(copy);
                }
                Ok(taken) => {
                    known.pending = taken != Taken::All;
                    known.written.extend(copy);
                }
                Err(_) => known.failed = true,
            }
        }
        if !dispatching {
            self.core.deferred.flush(Moment::Batch);
        }
        if known.ended && !known.pending && !known.failed && !known.shut {
            known.shut = true;
            match conn.shutdown() {
                Ok(awaited) => {
                    known.shut_awaited = awaited;
                    self.core.deferred.add(&conn);
                    self.core.deferred.flush(Moment::Turn);
                }
                Err(_) => known.failed = true,
            }
        }
        if known.ended && (known.failed || known.shut && !known.shut_awaited) {
            known.closed = true;
            self.connections.close(id, false);
        }
    }

    /// What has to hold once everything is over.
    fn check(&mut self) {
        assert_eq!(self.core.live(), 0);
        assert!(!self.core.is_running());
        self.core.shut_down();
        self.connections.stop_serving();
        assert!(self.server.connections.pick(|_| true).is_empty());
        assert_eq!(self.server.connections.open(), 0);
        assert_eq!(self.server.connections.owned(), 0);
        assert!(self.known.values().all(|known| known.gone));
    }
}

/// Sends requests in pieces, makes room for the answers, and leaves.
fn peer(fd: RawFd, requests: usize, reset: bool) {
    let bytes = REQUEST.repeat(requests);
    let cut = one_of(bytes.len());
    let send = |bytes: &[u8]| {
        simulation::peer(fd, |socket| {
            socket.incoming.extend_from_slice(bytes);
            socket.stir();
        });
    };
    send(&bytes[..cut]);
    let room = |bytes: usize| {
        simulation::peer(fd, |socket| {
            socket.room += bytes;
            socket.stir();
        });
    };
    room(one_of(12));
    let with_fin = one_of(2) == 0;
    simulation::peer(fd, |socket| {
        socket.incoming.extend_from_slice(&bytes[cut..]);
        socket.fin |= with_fin && !reset;
        socket.stir();
    });
    room(one_of(12));
    if reset || !with_fin {
        simulation::peer(fd, |socket| {
            socket.rst |= reset;
            socket.fin |= !reset;
            socket.stir();
        });
    }
    room(1000);
}

/// Two connections from their first bytes to their end, served on the JavaScript thread or on an I/O thread.
fn lives(io_threads: usize, reset: bool) {
    let mut js = Js::new(io_threads);
    let requests = 1 + one_of(2);
    let conns = [js.adopt(), js.adopt()];
    let peers = conns
        .iter()
        .map(|&(fd, _)| thread::spawn(move || peer(fd, requests, reset)))
        .collect::<Vec<_>>();
    js.serve();
    for peer in peers {
        peer.join().unwrap();
    }
    js.check();
    if !reset {
        assert_eq!(js.known.len(), 2);
    }
    let sent = conns.map(|(fd, conn)| {
        assert_eq!(Arc::strong_count(&conn), 1, "a connection is freed");
        assert_eq!(conn.as_raw_fd(), -1, "a descriptor is closed");
        simulation::sent(fd)
    });
    for known in js.known.values() {
        if !reset {
            assert!(!known.failed);
            assert_eq!(known.heads, requests);
            assert!(
                sent.contains(&(known.written.clone(), true)),
                "all of it has left"
            );
        }
    }
}

#[test]
fn lives_on_the_javascript_thread() {
    explore(|| lives(0, false));
}

#[test]
fn lives_on_an_io_thread() {
    explore(|| lives(1, false));
}

#[test]
fn resets() {
    explore(|| lives(one_of(2), true));
}

/// Waits as a peer does for so many bytes, or for the end.
fn receive(fd: RawFd, bytes: usize) -> (Vec<u8>, bool) {
    block_on(poll_fn(|cx| {
        match simulation::received(fd, bytes, cx.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }));
    simulation::sent(fd)
}

/// The peer of a connection that asks once, and leaves when it has its answer.
fn ask(fd: RawFd) {
    simulation::peer(fd, |socket| {
        socket.room = 1000;
        socket.incoming.extend_from_slice(REQUEST);
        socket.stir();
    });
    assert_eq!(receive(fd, 8).0.len(), 8);
    simulation::peer(fd, |socket| {
        socket.fin = true;
        socket.stir();
    });
}

/// Puts off output of a connection.
fn defer(core: &Core, conn: &Arc<Conn>) {
    let mut text = vec![b'x'; 8];
    let output = Output {
        text: &mut text,
        pieces: &[Piece::Text(0..8)],
        blanks: 0,
        lend: &|| None,
    };
    assert!(conn.defer(&output, Knowledge::Current));
    core.deferred.add(conn);
}

/// A turn of the event loop that does not end: only the lobby can send what was deferred.
#[test]
fn deferred_output_leaves_without_the_javascript_thread() {
    explore(|| {
        let mut js = Js::new(one_of(2));
        for _ in 0..2 {
            let (fd, conn) = js.adopt();
            let asking = thread::spawn(move || ask(fd));
            let id = js.next().id;
            defer(&js.core, &conn);
            assert_eq!(receive(fd, 8).0.len(), 8);
            js.connections.close(id, false);
            js.known.entry(id).or_default().closed = true;
            js.drain();
            while js.core.live() > 0 {
                js.turn();
            }
            js.drain();
            asking.join().unwrap();
        }
        js.serve();
        js.check();
    });
}

/// New threads start while the old ones are ending.
#[test]
fn new_threads_look_after_deferred_output() {
    explore(|| {
        let js = Js::new(0);
        for _ in 0..3 {
            let fd = simulation::open();
            simulation::peer(fd, |socket| socket.room = 8);
            js.core.enter().unwrap();
            // SAFETY: nobody owns the number; the connection takes it out again at once.
            let owned = unsafe { OwnedFd::from_raw_fd(fd) };
            let conn = Conn::open(&js.core, &js.server, owned, None, Bound::default());
            defer(&js.core, &conn);
            assert_eq!(receive(fd, 8).0.len(), 8);
            js.core.leave();
        }
        js.core.shut_down();
    });
}

/// Refusals of strangers against JavaScript's look at those that are overdue: each is refused once, and the end of
/// the last one is told.
#[test]
fn strangers_are_refused_once() {
    explore(|| {
        let mut js = Js::new(one_of(2));
        js.server.settings.set("nativeRefusals", 1);
        js.server.settings.set("drainNotice", 1);
        let words: [&[u8]; 3] = [b"GET / HT", b"BAD", b""];
        let conns = [js.adopt(), js.adopt()];
        let peers = conns.each_ref().map(|&(fd, _)| {
            let words = words[one_of(3)];
            thread::spawn(move || {
                simulation::peer(fd, |socket| {
                    socket.room = 1000;
                    socket.incoming.extend_from_slice(words);
                    socket.stir();
                });
                simulation::peer(fd, |socket| {
                    socket.fin = true;
                    socket.stir();
                });
            })
        });
        let mut sweeps = 0;
        while js.core.live() > 0 || js.core.is_running() {
            if sweeps < 3 {
                sweeps += 1;
                js.sweep();
                js.bell.ring(|rung| rung.queue = true);
            }
            js.turn();
        }
        for peer in peers {
            peer.join().unwrap();
        }
        js.serve();
        js.check();
        assert!(js.known.is_empty());
        assert!(js.drained > 0);
        for (fd, _) in conns {
            let (sent, _) = simulation::sent(fd);
            let replies = sent.windows(4).filter(|bytes| bytes == b"HTTP").count();
            assert!(replies <= 1, "a stranger is refused twice");
        }
    });
}

/// The environment ends in the middle of everything.
#[test]
fn shutting_down_closes_everything() {
    explore(|| {
        let mut js = Js::new(one_of(2));
        let conns = [js.adopt(), js.adopt()];
        let peers = conns
            .each_ref()
            .map(|&(fd, _)| thread::spawn(move || peer(fd, 2, false)));
        for _ in 0..one_of(4) {
            if js.core.live() > 0 {
                js.turn();
            }
        }
        js.core.shut_down();
        js.connections.stop_serving();
        assert!(js.core.enter().is_err());
        for peer in peers {
            peer.join().unwrap();
        }
        assert_eq!(js.core.live(), 0);
        drop(js.connections);
        for (_, conn) in conns {
            assert_eq!(Arc::strong_count(&conn), 1, "a connection is freed");
            assert_eq!(conn.as_raw_fd(), -1, "a descriptor is closed");
        }
    });
}

/// JavaScript stops listening while the lobby accepts.
#[test]
fn a_listener_is_closed_once_and_for_all() {
    explore(|| {
        let mut js = Js::new(0);
        let fd = simulation::open();
        // SAFETY: nobody owns the number; the test takes it out again.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        let listener = Listener::on(&js.core, &js.server, owned, None).unwrap();
        let clients = thread::spawn(move || {
            let arriving = || {
                let conn = simulation::open();
                let listens = simulation::peer(fd, |socket| {
                    socket.backlog.push_back(conn);
                    socket.stir();
                });
                listens.map(|()| conn)
            };
            let arrived = [arriving(), arriving()];
            for fd in arrived.into_iter().flatten() {
                peer(fd, 1, false);
            }
        });
        for _ in 0..one_of(3) {
            js.bell.ring(|rung| rung.queue = true);
            js.turn();
        }
        listener.close();
        let accepted = simulation::peer(fd, |socket| socket.backlog.len());
        js.serve();
        assert_eq!(
            simulation::peer(fd, |socket| socket.backlog.len()),
            accepted
        );
        clients.join().unwrap();
        js.check();
    });
}

/// Deliveries beyond the limit hold up whoever reads, until JavaScript has popped them.
#[test]
fn a_full_queue_holds_up_and_lets_go() {
    explore(|| {
        let bell = Arc::new(Bell::default());
        let rung = bell.clone();
        let queue = Queue::<Http>::new(Box::new(move || rung.ring(|rung| rung.queue = true)));
        let queue = Arc::new(queue);
        let pushing = [(); 2].map(|()| {
            let queue = queue.clone();
            thread::spawn(move || {
                for _ in 0..4 {
                    block_on(poll_fn(|cx| match queue.is_full(cx.waker()) {
                        true => Poll::Pending,
                        false => Poll::Ready(()),
                    }));
                    let records = Records {
                        text: vec![0; BACKLOG_LIMIT / 2],
                        ..Records::default()
                    };
                    queue.push(Delivery::of_server(1, records));
                }
            })
        });
        let mut mail = Inbox::default();
        let mut popped = 0;
        while popped < 8 {
            let mut rung = lock(&bell.rung);
            while !std::mem::take(&mut rung.queue) {
                rung = bell.changed.wait(rung).unwrap();
            }
            drop(rung);
            while queue.take(&mut mail) {
                for delivery in mail.deliveries.drain(..) {
                    queue.popped(&delivery);
                    popped += 1;
                }
            }
        }
        for pushing in pushing {
            pushing.join().unwrap();
        }
    });
}

/// A message that took long ends and another begins while JavaScript looks for those that are overdue.
#[test]
fn a_new_message_is_not_taken_for_an_old_one() {
    explore(|| {
        let js = Js::new(0);
        js.core.enter_accepted();
        let fd = simulation::open();
        // SAFETY: nobody owns the number; the test takes it out again.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        let conn = Conn::open(&js.core, &js.server, owned, None, Bound::default());
        let said = |start, headers_complete| Progress {
            start,
            headers_complete,
            begun: true,
        };
        conn.set_progress(said(1, true));
        let reading = {
            let conn = conn.clone();
            thread::spawn(move || conn.set_progress(said(100_000_000, false)))
        };
        assert!(!conn.is_newly_overdue(100_000_001, 60, 0));
        reading.join().unwrap();
    });
}

/// JavaScript takes a connection away while another thread may be reading it. Whatever has arrived is told, or is
/// left for whoever reads on.
#[test]
fn a_connection_is_given_away_whole() {
    explore(|| {
        let mut js = Js::new(one_of(2));
        let (fd, conn) = js.adopt();
        let sending = thread::spawn(move || {
            for part in [REQUEST, REQUEST, REQUEST] {
                simulation::peer(fd, |socket| {
                    socket.incoming.extend_from_slice(part);
                    socket.stir();
                });
            }
        });
        let first = js.next();
        let mut heads = heads(&first);
        if one_of(2) == 0 {
            // Outside of a packet, so that the next one may be read at the same time.
            while let Some(popped) = js.connections.next(&js.core, &mut Vecs) {
                heads += self::heads(&popped);
            }
            js.connections.begin_turn(&js.core);
        }
        let (detached, queued) = js.connections.detach(&js.core, first.id).unwrap();
        for _ in 0..queued {
            heads += self::heads(&js.next());
        }
        js.drain();
        js.serve();
        sending.join().unwrap();
        let parked = detached
            .parked
            .map_or(0, |parked| parked.packet.len() - parked.at);
        assert_eq!(parked, 0, "nothing asks for an upgrade");
        let new = detached.fd.into_raw_fd();
        let left = simulation::peer(new, |socket| socket.incoming.len()).unwrap();
        simulation::close(new);
        assert_eq!(heads * REQUEST.len() + left, 3 * REQUEST.len());
        // It goes on counting until JavaScript has ended it.
        adjust_open(&js.core, &js.server, -1);
        js.check();
        drop(js);
        assert_eq!(Arc::strong_count(&conn), 1, "a connection is freed");
    });
}

fn heads(popped: &Popped) -> usize {
    let numbers = &popped.records.numbers;
    let mut at = 0;
    let mut count = 0;
    while let Some(&record) = numbers.get(at) {
        assert_eq!(record, HEAD);
        count += 1;
        at += 6 + 2 * numbers[at + 5] as usize;
    }
    count
}
