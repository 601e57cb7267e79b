//! Connections over pairs of sockets, whose tasks are polled here instead of on threads of their
//! own: accepting, reading, parsing, delivering, writing, closing.

use std::future::Future;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use ferrohttp::conn::address::Bound;
use ferrohttp::conn::delivery::Delivery;
use ferrohttp::conn::outbox::Outbox;
use ferrohttp::conn::output::{Output, Piece};
use ferrohttp::conn::task::Task;
use ferrohttp::conn::{Conn, Core, Knowledge, Taken};
use ferrohttp::engine::queue::Queue;
use ferrohttp::http1::Profile;
use ferrohttp::js_thread::connections::Connections;
use ferrohttp::memory::Vecs;
use ferrohttp::observe::refusals::Options;
use ferrohttp::record::{CLOSED, DRAINED, HEAD, Records};
use ferrohttp::server::Server;

use crate::Workload;
use ferrohttp_h1_testing::inputs::BROWSER;

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";

pub const WORKLOADS: &[(&str, Workload)] = &[
    ("connection-delivered", delivered),
    ("connection-refused", refused),
    ("connection-counted", counted),
    ("deliveries-16", deliveries),
    ("response", response),
    ("response-deferred", response_deferred),
    ("outbox", outbox),
];

/// An engine whose threads never start, and a server.
struct Host {
    core: Arc<Core>,
    server: Arc<Server>,
    connections: Connections,
}

impl Host {
    fn new() -> Host {
        let server = Server::new(1, Profile::for_host("9.4.3", 24));
        server.settings.set("nativeRefusals", 1);
        Host {
            core: Arc::new(Core::new(Queue::new(Box::new(|| {})), 1)),
            server: Arc::new(server),
            connections: Connections::default(),
        }
    }

    /// A connection, and its other end.
    fn accept(&self) -> (Arc<Conn>, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        self.core.enter_accepted();
        let conn = Conn::open(
            &self.core,
            &self.server,
            OwnedFd::from(ours),
            Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))),
            Bound::default(),
        );
        (conn, theirs)
    }

    /// Has a new connection read its first packet. With that its task ends: the connection is
    /// refused, or there is no I/O thread to take it over.
    fn first_packet(&self, packet: &[u8]) -> UnixStream {
        let (conn, mut theirs) = self.accept();
        theirs.write_all(packet).expect("a packet fits");
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(Task::accepted(conn)).poll(&mut cx).is_ready());
        theirs
    }

    /// Expects a delivery that begins with a record.
    fn pop(&mut self, record: u32) {
        let popped = self
            .connections
            .next(&self.core, &mut Vecs)
            .expect("a delivery");
        assert_eq!(popped.records.numbers.first(), Some(&record));
        popped.records.recycle();
    }

    fn pop_nothing(&mut self) {
        self.connections.begin_turn(&self.core);
        assert!(self.connections.next(&self.core, &mut Vecs).is_none());
    }
}

fn delivered(times: u32) {
    let mut host = Host::new();
    for _ in 0..times {
        host.first_packet(BROWSER);
        host.pop(HEAD);
        host.pop(CLOSED);
        host.pop_nothing();
    }
}

/// Each is captured.
fn refused(times: u32) {
    refuse(Host::new(), times);
}

/// None is captured, as of a flood most are not.
fn counted(times: u32) {
    let host = Host::new();
    host.server.refusals.set_options(Options {
        keep: 0,
        ..Options::default()
    });
    refuse(host, times);
}

fn refuse(mut host: Host, times: u32) {
    for _ in 0..times {
        let mut theirs = host.first_packet(b"BAD\r\n\r\n");
        expect(
            &mut theirs,
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
        );
    }
    host.pop_nothing();
}

/// A batch of deliveries through the queue.
fn deliveries(times: u32) {
    let mut host = Host::new();
    for _ in 0..times {
        for _ in 0..16 {
            host.core
                .queue
                .push(Delivery::of_server(1, Records::notice(&[DRAINED])));
        }
        for _ in 0..16 {
            host.pop(DRAINED);
        }
        host.pop_nothing();
    }
}

/// Calls with a response in two pieces, which stand in `text`.
fn output<T>(text: &mut Vec<u8>, call: impl FnOnce(&mut Output<'_>) -> T) -> T {
    call(&mut Output {
        text,
        pieces: &[Piece::Text(0..38), Piece::Text(38..RESPONSE.len())],
        several: true,
        blanks: 0,
        lend: &|| None,
    })
}

fn response(times: u32) {
    let mut text = RESPONSE.to_vec();
    let host = Host::new();
    let (conn, mut theirs) = host.accept();
    for _ in 0..times {
        assert_eq!(
            output(&mut text, |out| conn.write(out, false)),
            Ok(Taken::All)
        );
        expect(&mut theirs, RESPONSE);
    }
    drop(Task::accepted(conn));
}

/// A response that leaves at the end of a batch.
fn response_deferred(times: u32) {
    let mut text = RESPONSE.to_vec();
    let mut host = Host::new();
    let (conn, mut theirs) = host.accept();
    for _ in 0..times {
        assert!(output(&mut text, |out| conn.defer(out, Knowledge::Current)));
        host.core.deferred.add(&conn);
        host.pop_nothing();
        expect(&mut theirs, RESPONSE);
    }
    drop(Task::accepted(conn));
}

/// Output that leaves in three parts.
fn outbox(times: u32) {
    let mut text = [RESPONSE, &[b'x'; 4096]].concat();
    let pieces = [
        Piece::Text(0..RESPONSE.len()),
        Piece::Text(RESPONSE.len()..text.len()),
    ];
    for _ in 0..times {
        let mut outbox = Outbox::default();
        let mut output = Output {
            text: black_box(&mut text),
            pieces: &pieces,
            several: pieces.len() > 1,
            blanks: 0,
            lend: &|| None,
        };
        outbox.append(&mut output, 10);
        while !outbox.is_empty() {
            black_box(outbox.front());
            outbox.advance(1500.min(outbox.waiting()));
        }
    }
}

fn expect(theirs: &mut UnixStream, expected: &[u8]) {
    let mut buffer = [0; 256];
    let count = theirs.read(&mut buffer).expect("it was sent");
    assert_eq!(&buffer[..count], expected);
}
