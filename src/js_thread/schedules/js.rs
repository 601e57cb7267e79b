//! The JavaScript thread, its event loop and what it knows of connections.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::task::Wake;

use shuttle::sync::Condvar;

use super::one_of;
use crate::conn::address::Bound;
use crate::conn::output::{Output, Piece};
use crate::conn::simulation;
use crate::conn::task::Task;
use crate::conn::{Conn, Core, Http, Knowledge, Taken};
use crate::engine::deferred::Moment;
use crate::engine::queue::Queue;
use crate::http1::Profile;
use crate::js_thread::connections::{Connections, Popped, SERVER};
use crate::memory::Vecs;
use crate::record::*;
use crate::server::Server;
use crate::sync::{Mutex, lock};

/// What an event loop waits for.
#[derive(Default)]
pub(super) struct Bell {
    pub(super) rung: Mutex<Rung>,
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct Rung {
    pub(super) queue: bool,
    pub(super) reactor: bool,
}

impl Bell {
    pub(super) fn ring(&self, ring: impl FnOnce(&mut Rung)) {
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
pub(super) struct Known {
    pub(super) heads: usize,
    /// What is to be written, and what was.
    pub(super) unwritten: VecDeque<Vec<u8>>,
    pub(super) written: Vec<u8>,
    pub(super) pending: bool,
    pub(super) ended: bool,
    pub(super) failed: bool,
    pub(super) paused: bool,
    pub(super) shut: bool,
    pub(super) shut_awaited: bool,
    pub(super) closed: bool,
    /// CLOSED was told.
    pub(super) gone: bool,
}

/// The JavaScript thread.
pub(super) struct Js {
    pub(super) core: Arc<Core>,
    pub(super) server: Arc<Server>,
    pub(super) connections: Connections,
    pub(super) bell: Arc<Bell>,
    pub(super) known: BTreeMap<u32, Known>,
    /// What is done in the next turn of the event loop.
    pub(super) resuming: Vec<u32>,
    pub(super) answering: Vec<u32>,
    pub(super) drained: usize,
}

impl Js {
    pub(super) fn new(io_threads: usize) -> Js {
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
    pub(super) fn adopt(&self) -> (RawFd, Arc<Conn>) {
        let fd = simulation::open();
        let accept_thread = self.core.enter().unwrap();
        // SAFETY: nobody owns the number; the connection takes it out again at once.
        let owned = unsafe { OwnedFd::from_raw_fd(fd) };
        let conn = Conn::open(&self.core, &self.server, owned, None, Bound::default());
        accept_thread.spawn(Task::accepted(conn.clone()));
        (fd, conn)
    }

    /// Waits as the event loop does, which begins a turn with that.
    pub(super) fn wait(&mut self) {
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
    pub(super) fn turn(&mut self) {
        self.wait();
        self.act();
        self.drain();
    }

    /// What timers do.
    pub(super) fn act(&mut self) {
        for id in std::mem::take(&mut self.resuming) {
            self.known.get_mut(&id).unwrap().paused = false;
            self.connections.resume(id);
            self.bell.ring(|rung| rung.queue = true);
        }
        for id in std::mem::take(&mut self.answering) {
            self.go_on(id, false);
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(popped) = self.connections.next(&self.core, &mut Vecs) {
            self.told(&popped);
        }
    }

    /// Turns until no connection and no listener is left.
    pub(super) fn serve(&mut self) {
        while self.core.live() > 0 || self.core.is_running() {
            self.turn();
        }
        self.drain();
    }

    /// The next delivery, for a test that goes on by itself.
    pub(super) fn next(&mut self) -> Popped {
        loop {
            if let Some(popped) = self.connections.next(&self.core, &mut Vecs) {
                return popped;
            }
            self.wait();
        }
    }

    /// JavaScript's look at what is overdue, as `expired` in binding/server.rs.
    pub(super) fn sweep(&mut self) {
        let overdue = self
            .server
            .connections
            .pick(|conn| conn.is_newly_overdue(u64::MAX, 1, 0));
        for conn in overdue {
            if !conn.refuse_overdue(1, 0) {
                assert!(!conn.show(), "a new connection is left");
            }
        }
    }

    pub(super) fn told(&mut self, popped: &Popped) {
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
    pub(super) fn go_on(&mut self, id: u32, dispatching: bool) {
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
                several: false,
                lend: &|| None,
            };
            let knowledge = if dispatching {
                Knowledge::Current
            } else {
                Knowledge::Unasked
            };
            if one_of(2) == 0 && conn.defer(&output, knowledge) {
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
            known.gone |= self.connections.close(id, false).is_over;
        }
    }

    /// What has to hold once everything is over.
    pub(super) fn check(&mut self) {
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
