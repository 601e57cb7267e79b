//! Deferred output, which any thread may send.

use std::future::poll_fn;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::task::Poll;

use shuttle::future::block_on;
use shuttle::thread;

use super::js::Js;
use super::{REQUEST, explore, one_of};
use crate::conn::address::Bound;
use crate::conn::output::{Output, Piece};
use crate::conn::simulation;
use crate::conn::{Conn, Core, Knowledge};

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
        several: false,
        lend: &|| None,
    };
    assert!(conn.defer(&output, Knowledge::Current));
    core.deferred.add(conn);
}

/// A turn of the event loop that does not end: only the accept thread can send what was deferred.
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
            let closing = js.connections.close(id, false);
            let known = js.known.entry(id).or_default();
            known.closed = true;
            known.gone |= closing.is_over;
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
