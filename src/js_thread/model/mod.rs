//! A connection of the JavaScript thread through long histories of what a peer, the kernel and
//! JavaScript can do, in any order, on a simulated socket.

mod histories;
mod subject;

use std::future::Future;
use std::os::fd::{FromRawFd, OwnedFd};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use subject::{Subject, nth};

use crate::conn::Core;
use crate::conn::address::Bound;
use crate::conn::output::{Output, Piece};
use crate::conn::simulation::{self, Socket};
use crate::conn::task::Task;
use crate::conn::{Conn, Knowledge, Taken};
use crate::engine::deferred::Moment;
use crate::engine::queue::Queue;
use crate::http1::Profile;
use crate::js_thread::connections::{Connections, Popped};
use crate::memory::Vecs;
use crate::record::*;
use crate::server::Server;

const FIRST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const HEAD_OF_ALL: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";

/// What happens next; the numbers choose a connection, bytes or turns.
#[derive(Clone, Debug)]
enum Step {
    // The peer.
    Arrive(usize),
    Fin,
    Rst,
    Take(usize),
    // The event loop.
    Turn,
    Next,
    // JavaScript.
    Write(usize),
    WriteLast(usize),
    Defer(usize),
    Flush,
    Shutdown,
    Pause,
    Resume,
    Close(bool),
}

struct Model {
    core: Arc<Core>,
    server: Arc<Server>,
    connections: Connections,
    subjects: Vec<Subject>,
}

fn output<T>(bytes: &[u8], call: impl FnOnce(&mut Output<'_>) -> T) -> T {
    let mut text = bytes.to_vec();
    call(&mut Output {
        pieces: &[Piece::Text(0..text.len())],
        text: &mut text,
        blanks: bytes.len() as u32 % 3,
        several: false,
        lend: &|| None,
    })
}

impl Model {
    fn new(number: usize, hang_up_ends: bool) -> Model {
        let core = Arc::new(Core::new(Queue::new(Box::new(|| {})), 0));
        let server = Arc::new(Server::new(1, Profile::for_host("9.4.3", 24)));
        server.settings.set("hangUpEnds", hang_up_ends.into());
        let mut connections = Connections::default();
        connections.serve().unwrap();
        let mut model = Model {
            core,
            server,
            connections,
            subjects: Vec::new(),
        };
        for _ in 0..number {
            model.accept();
        }
        model
    }

    /// A connection that has had its first packet, which the accept thread read.
    fn accept(&mut self) {
        let fd = simulation::open();
        simulation::peer(fd, |socket| socket.incoming.extend_from_slice(FIRST));
        self.core.enter_accepted();
        // SAFETY: nobody owns the number; the connection takes it out again at once.
        let conn = Conn::open(
            &self.core,
            &self.server,
            unsafe { OwnedFd::from_raw_fd(fd) },
            None,
            Bound::default(),
        );
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(Task::accepted(conn.clone())).poll(&mut cx).is_ready());
        self.subjects.push(Subject {
            conn,
            fd,
            id: 0,
            arrived: 0,
            delivered: 0,
            reported: 0,
            total: FIRST.len(),
            fin: false,
            rst: false,
            paused: false,
            closed: false,
            written: Vec::new(),
            pending: false,
            shutdown: false,
            ends: 0,
            closes: 0,
            failed: false,
        });
        let popped = self.next().expect("the first packet");
        assert_eq!(popped.records.numbers[0], HEAD);
        let subject = self.subjects.last().unwrap();
        simulation::peer(subject.fd, |socket| {
            socket.incoming.extend_from_slice(HEAD_OF_ALL);
            socket.stir();
        });
        self.subjects.last_mut().unwrap().total += HEAD_OF_ALL.len();
    }

    fn socket<T>(&self, i: usize, f: impl FnOnce(&mut Socket) -> T) -> Option<T> {
        simulation::peer(self.subjects[i].fd, f)
    }

    fn next(&mut self) -> Option<Popped> {
        let popped = self.connections.next(&self.core, &mut Vecs)?;
        let new = popped.flags & crate::js_thread::connections::FIRST != 0;
        let subject = self
            .subjects
            .iter_mut()
            .find(|subject| match new {
                true => subject.id == 0,
                false => subject.id == popped.id && subject.closes == 0,
            })
            .expect("a connection that is known");
        subject.id = popped.id;
        let destroys = subject.told(&popped);
        let place = self.subjects.iter().position(|one| one.id == popped.id);
        if let Some(i) = place.filter(|_| destroys) {
            self.close(i, false);
        }
        Some(popped)
    }

    fn apply(&mut self, i: usize, step: &Step) {
        match *step {
            Step::Arrive(count) => self.arrive(i, count),
            Step::Fin => self.leave(i, false),
            Step::Rst => self.leave(i, true),
            Step::Take(count) => {
                self.socket(i, |socket| {
                    socket.room += count;
                    socket.stir();
                });
            }
            Step::Turn => {
                self.connections.begin_turn(&self.core);
            }
            Step::Next => {
                self.next();
            }
            Step::Write(count) => self.write(i, count, false),
            Step::WriteLast(count) => {
                self.write(i, count, true);
                self.shut_down(i);
            }
            Step::Defer(count) => self.defer(i, count),
            Step::Flush => self.core.deferred.flush(Moment::Turn),
            Step::Shutdown => self.shut_down(i),
            Step::Pause => {
                self.subjects[i].paused = true;
                self.connections.pause(self.subjects[i].id);
            }
            Step::Resume => {
                self.subjects[i].paused = false;
                self.connections.resume(self.subjects[i].id);
            }
            Step::Close(reset) => self.close(i, reset),
        }
    }

    fn arrive(&mut self, i: usize, count: usize) {
        let subject = &self.subjects[i];
        if subject.fin || subject.rst {
            return;
        }
        let from = subject.arrived;
        let bytes = (from..from + count).map(nth);
        if self.socket(i, |socket| {
            socket.incoming.extend(bytes);
            socket.stir();
        }) == Some(())
        {
            self.subjects[i].arrived += count;
            self.subjects[i].total += count;
        }
    }

    fn leave(&mut self, i: usize, rst: bool) {
        if self.subjects[i].rst || self.subjects[i].fin && !rst {
            return;
        }
        let left = self.socket(i, |socket| {
            socket.rst |= rst;
            socket.fin |= !rst;
            socket.stir();
        });
        if left.is_some() {
            self.subjects[i].rst |= rst;
            self.subjects[i].fin |= !rst;
        }
    }

    fn fresh(&self, i: usize, count: usize) -> Vec<u8> {
        let from = self.subjects[i].written.len();
        (from..from + count).map(nth).collect()
    }

    fn may_write(&self, i: usize) -> bool {
        let subject = &self.subjects[i];
        !subject.closed && !subject.failed && !subject.pending && !subject.shutdown
    }

    /// As a stream, which writes again when it was called back.
    fn write(&mut self, i: usize, count: usize, last: bool) {
        if !self.may_write(i) {
            return;
        }
        let piece = self.fresh(i, count);
        let subject = &mut self.subjects[i];
        match output(&piece, |output| subject.conn.write(output, last)) {
            Ok(taken) => {
                subject.written.extend_from_slice(&piece);
                subject.pending = taken != Taken::All;
                if taken == Taken::All {
                    self.is_taken(i);
                }
            }
            Err(_) => subject.failed = true,
        }
    }

    fn defer(&mut self, i: usize, count: usize) {
        if !self.may_write(i) {
            return;
        }
        let piece = self.fresh(i, count);
        let subject = &mut self.subjects[i];
        if output(&piece, |output| {
            subject.conn.defer(output, Knowledge::Current)
        }) {
            subject.written.extend_from_slice(&piece);
            self.core.deferred.add(&subject.conn);
        }
    }

    fn shut_down(&mut self, i: usize) {
        if self.may_write(i) || self.subjects[i].pending {
            let subject = &mut self.subjects[i];
            if !subject.shutdown {
                subject.shutdown = true;
                subject.failed |= subject.conn.shutdown().is_err();
                self.core.deferred.add(&subject.conn);
            }
        }
    }

    fn close(&mut self, i: usize, reset: bool) {
        if !self.subjects[i].closed {
            // What was deferred would outlive the connection, on the accept thread.
            self.apply(i, &Step::Take(1 << 20));
            let subject = &mut self.subjects[i];
            subject.closed = true;
            let closing = self.connections.close(subject.id, reset);
            subject.closes += usize::from(closing.is_over);
        }
    }

    /// All that was written is the kernel's.
    fn is_taken(&self, i: usize) {
        if let Some(count) = self.socket(i, |socket| socket.sent.len()) {
            assert_eq!(
                count,
                self.subjects[i].written.len(),
                "not taken, yet reported"
            );
        }
    }

    /// What was sent is what was written, in order.
    fn is_in_order(&self, i: usize) {
        let written = &self.subjects[i].written;
        self.socket(i, |socket| assert!(written.starts_with(&socket.sent)));
    }

    /// Lets everything happen that can.
    fn settle(&mut self) {
        for i in 0..self.subjects.len() {
            self.apply(i, &Step::Resume);
            self.apply(i, &Step::Take(1 << 40));
        }
        self.core.deferred.flush(Moment::Turn);
        let mut idle = 0;
        while idle < 4 {
            self.connections.begin_turn(&self.core);
            idle += 1;
            while self.next().is_some() {
                idle = 0;
            }
        }
    }

    fn play(mut self, steps: &[(usize, Step)]) {
        for (i, step) in steps {
            let i = i % self.subjects.len();
            self.apply(i, step);
            self.is_in_order(i);
        }
        self.check();
    }

    fn check(&mut self) {
        self.settle();
        for i in 0..self.subjects.len() {
            let subject = &self.subjects[i];
            if subject.closed {
                continue;
            }
            assert_eq!(subject.delivered, subject.arrived, "bytes of {i}");
            assert_eq!(
                subject.reported, subject.total,
                "bytes of {i} that are counted"
            );
            assert_eq!(
                subject.ends,
                usize::from(subject.fin || subject.rst),
                "ends of {i}"
            );
            assert_eq!(subject.closes, 0);
            if !subject.rst {
                assert!(!subject.failed && !subject.pending);
                self.is_taken(i);
                let sent_fin = self.socket(i, |socket| socket.sent_fin);
                assert_eq!(sent_fin, Some(subject.shutdown), "FIN of {i}");
            }
        }
        for i in 0..self.subjects.len() {
            self.close(i, false);
        }
        self.settle();
        for (i, subject) in self.subjects.iter().enumerate() {
            assert_eq!(subject.closes, 1, "CLOSED of {i}");
            assert_eq!(Arc::strong_count(&subject.conn), 1, "{i} is freed");
            assert_eq!(
                std::os::fd::AsRawFd::as_raw_fd(&*subject.conn),
                -1,
                "the descriptor of {i}"
            );
        }
        assert!(self.server.connections.pick(|_| true).is_empty());
        assert_eq!(self.server.connections.open(), 0);
        assert_eq!(self.core.live(), 0);
    }
}
