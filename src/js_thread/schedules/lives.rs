//! Connections from their first bytes to their end.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use shuttle::thread;

use super::js::Js;
use super::{REQUEST, explore, one_of};
use crate::conn::simulation;

/// A peer that sends requests in pieces, makes room for the responses, and leaves.
pub(super) fn peer(fd: RawFd, requests: usize, reset: bool) {
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
pub(super) fn lives(io_threads: usize, reset: bool) {
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
pub(super) fn lives_on_the_javascript_thread() {
    explore(|| lives(0, false));
}

#[test]
pub(super) fn lives_on_an_io_thread() {
    explore(|| lives(1, false));
}

#[test]
pub(super) fn resets() {
    explore(|| lives(one_of(2), true));
}
