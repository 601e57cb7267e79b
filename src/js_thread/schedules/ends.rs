//! Refusals, closing and giving away, and a full queue.

use std::future::poll_fn;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::thread;

use super::js::{Bell, Js};
use super::lives::peer;
use super::{REQUEST, explore, one_of};
use crate::conn::address::Bound;
use crate::conn::delivery::Delivery;
use crate::conn::simulation;
use crate::conn::{Conn, Http, adjust_open};
use crate::engine::queue::{BACKLOG_LIMIT, Inbox, Queue};
use crate::js_thread::connections::Popped;
use crate::listener::Listener;
use crate::memory::Vecs;
use crate::record::*;
use crate::sync::lock;

/// New connections are refused while JavaScript looks for overdue connections. Each is refused once, and the end of the last
/// one is reported.
#[test]
fn new_connections_are_refused_once() {
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
            assert!(replies <= 1, "a new connection is refused twice");
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

/// JavaScript stops listening while the accept thread accepts.
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

/// Deliveries beyond the limit stop reading, until JavaScript has popped them.
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

/// A message that has taken long ends, and another begins, while JavaScript looks for overdue ones.
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

/// JavaScript takes a connection over while another thread may be reading it. Whatever has arrived is delivered, or is
/// left to be read later.
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
            // This is outside of a packet, so that the next one may be read at the same time.
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
        // It counts until JavaScript has ended it.
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
