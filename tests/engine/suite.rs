use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ferrohttp::conn::address::{Bound, End};
use ferrohttp::conn::task::Task;
use ferrohttp::conn::outbox::{DEFERRED, Output, Piece, Remainder};
use ferrohttp::conn::{Conn, Taken, io};
use ferrohttp::engine::Core;
use ferrohttp::engine::connections::{Connections, FIRST, Popped, SERVER};
use ferrohttp::engine::queue::{Mail, Queue};
use ferrohttp::engine::slots::INDEX_BITS;
use ferrohttp::http1::{Code, Profile, names};
use ferrohttp::listener::{self, Listener};
use ferrohttp::memory::{Loan, Owner, Vecs};
use ferrohttp::record::*;
use ferrohttp::server::Server;

/// Only a broken engine lets it pass.
const PATIENCE: Duration = Duration::from_secs(20);

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An engine, a server, and a pipe that `wake` writes to.
struct Host {
    core: Arc<Core>,
    server: Arc<Server>,
    connections: Connections,
    /// Popped by `beside`.
    early: VecDeque<Popped>,
    woken: UnixStream,
}

impl Host {
    fn new() -> Host {
        let (woken, wake) = UnixStream::pair().unwrap();
        let queue = Queue::new(Box::new(move || (&wake).write_all(b"w").unwrap()));
        Host {
            core: Arc::new(Core::new(queue, IO_THREADS)),
            server: Arc::new(Server::new(7, Profile::for_host("9.4.3", 24))),
            connections: Connections::default(),
            early: VecDeque::new(),
            woken,
        }
    }

    fn refusing() -> Host {
        let host = Host::new();
        host.server.settings.set("nativeRefusals", 1);
        host
    }

    fn listen(&mut self) -> (Arc<Listener>, std::net::SocketAddr) {
        self.serve();
        let bound = TcpListener::bind("127.0.0.1:0").unwrap();
        let listener = Listener::open(&self.core, &self.server, bound.as_raw_fd(), 511).unwrap();
        (listener, bound.local_addr().unwrap())
    }

    fn serve(&mut self) {
        if IO_THREADS == 0 {
            self.connections.serve().unwrap();
        }
    }

    /// A connection that was accepted elsewhere.
    fn adopted(&mut self) -> UnixStream {
        self.serve();
        let (ours, theirs) = UnixStream::pair().unwrap();
        listener::adopt(&self.core, &self.server, theirs.as_raw_fd()).unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        ours
    }

    /// The next delivery, acknowledging the one before.
    fn next(&mut self) -> Popped {
        if let Some(popped) = self.early.pop_front() {
            return popped;
        }
        loop {
            if let Some(popped) = self.connections.next(&self.core, &mut Vecs) {
                return popped;
            }
            self.wait();
        }
    }

    /// Does what a client waits for the engine with. Where that takes the JavaScript thread, it
    /// goes on meanwhile.
    fn beside<T: Send>(&mut self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let work = scope.spawn(work);
            while IO_THREADS == 0 && !work.is_finished() {
                match self.connections.next(&self.core, &mut Vecs) {
                    Some(popped) => self.early.push_back(popped),
                    None => {
                        self.connections.begin_turn(&self.core);
                        std::thread::yield_now();
                    }
                }
            }
            work.join().unwrap()
        })
    }

    /// What a client reads until FIN.
    fn rest(&mut self, client: impl Read + Send) -> Vec<u8> {
        self.beside(|| rest(client))
    }

    /// Waits as the event loop does: for the engine to wake it, or for the reactor.
    fn wait(&mut self) {
        self.connections.begin_turn(&self.core);
        let watch = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let reactor = match IO_THREADS {
            0 => self.connections.serve().unwrap(),
            _ => -1,
        };
        let mut watched = [watch(self.woken.as_raw_fd()), watch(reactor)];
        let patience = PATIENCE.as_millis() as i32;
        // SAFETY: the pointer and the number are those of the array.
        let ready = unsafe { libc::poll(watched.as_mut_ptr(), 2, patience) };
        assert!(ready > 0, "no delivery came");
        if watched[0].revents != 0 {
            self.woken.read_exact(&mut [0]).unwrap();
        }
        if watched[1].revents != 0 {
            self.core.queue.awaken();
        }
    }

    /// What the end of the environment does.
    fn end(&mut self) {
        self.core.shut_down();
        self.connections.stop_serving();
    }

    fn conn(&self, id: u32) -> Arc<Conn> {
        self.connections.get(id).unwrap().clone()
    }

    /// Waits until JavaScript's view of the server is that of no connection.
    fn until_closed(&self) {
        while self.server.connections.open() > 0 {
            std::thread::yield_now();
        }
    }

    fn count(&self, code: &str) -> u64 {
        let counts = self.server.counters.snapshot();
        counts
            .iter()
            .find(|(name, _)| name == code)
            .map_or(0, |(_, n)| *n)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.end();
    }
}

fn connect(address: std::net::SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn rest(mut stream: impl Read) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

/// Closes a connection with RST.
fn reset(stream: TcpStream) {
    ferrohttp::conn::io::set_reset_on_close(stream.as_raw_fd()).unwrap();
}

/// Calls with an output of text in some pieces.
fn text<T>(pieces: &[&[u8]], call: impl FnOnce(&mut Output<'_>) -> T) -> T {
    let mut text = Vec::new();
    let mut ranges = Vec::new();
    for piece in pieces {
        ranges.push(Piece::Text(text.len()..text.len() + piece.len()));
        text.extend_from_slice(piece);
    }
    call(&mut Output {
        text: &mut text,
        pieces: &ranges,
        lend: &|| None,
    })
}

fn write(conn: &Conn, pieces: &[&[u8]]) -> Result<Taken, i32> {
    text(pieces, |output| conn.write(output, false))
}

fn defer(conn: &Conn, piece: &[u8]) -> bool {
    text(&[piece], |output| conn.defer(output, true))
}

/// Fills the kernel's buffer behind the engine's back, and returns the bytes.
fn fill(conn: &Conn) -> usize {
    let block = vec![b'f'; 1 << 20];
    let send = |size| conn.with_fd(|fd| io::send(fd, &[&block[..size]])).unwrap();
    let mut filled = 0;
    for size in [block.len(), 1] {
        while let Ok(count) = send(size) {
            filled += count;
        }
    }
    filled
}

/// Memory of the test's, in JavaScript's place.
struct Lender {
    bytes: Vec<u8>,
    /// Loans that were given back.
    returned: AtomicUsize,
}

impl Lender {
    fn new(bytes: Vec<u8>) -> Lender {
        Lender {
            bytes,
            returned: AtomicUsize::new(0),
        }
    }

    fn returned(&self) -> usize {
        self.returned.load(Ordering::Relaxed)
    }

    /// A loan of the memory. The lender has to outlive it.
    fn lend(&self, host: &Host) -> Loan {
        unsafe fn give_up(owner: Owner) {
            // SAFETY: `lend` put a counter there, which outlives the loan.
            let returned = unsafe { &*owner.env.cast::<AtomicUsize>() };
            returned.fetch_add(1, Ordering::Relaxed);
        }
        let owner = Owner {
            env: std::ptr::from_ref(&self.returned).cast_mut().cast(),
            reference: std::ptr::null_mut(),
            give_up,
        };
        // SAFETY: the tests are on one thread, and their lenders outlive the loans.
        unsafe { Loan::new(owner, host.core.clone()) }
    }

    /// Writes the memory from where it is.
    fn write(&self, host: &Host, conn: &Conn) -> Result<Taken, i32> {
        let lend = || Some(self.lend(host));
        conn.write(
            &mut Output {
                text: &mut b"head".to_vec(),
                pieces: &[Piece::Text(0..4), Piece::Bytes(&self.bytes, 3)],
                lend: &lend,
            },
            false,
        )
    }
}

fn open(fd: RawFd) -> bool {
    // SAFETY: no memory is involved.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

#[test]
fn a_request_is_delivered_and_answered() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let mut client = connect(address);
    client.write_all(GET).unwrap();
    let popped = host.next();
    assert_eq!(popped.flags, FIRST);
    assert_eq!(popped.bytes as usize, GET.len());
    assert_eq!(popped.records.text, b"/a");
    // HEAD; keep-alive, complete, has Host; GET; 1.1; length of the target; one field, with a known
    // name and a value of one byte.
    let host_name = KNOWN_NAME | names::number(b"Host").unwrap();
    assert_eq!(popped.records.numbers, [HEAD, 13, 1, 0x101, 1, 1, host_name, 1]);
    let conn = host.conn(popped.id);
    assert_eq!(write(&conn, &[b"an ", b"answer"]), Ok(Taken::All));
    assert_eq!(conn.bytes_written(), 9);
    assert_eq!(conn.shutdown(), Ok(false));
    assert_eq!(host.rest(&client), b"an answer");
    let peer = conn.address(End::Peer).unwrap();
    assert_eq!(peer.host, "127.0.0.1");
    assert_eq!(peer.port, client.local_addr().unwrap().port());
    assert_eq!(peer.family, "IPv4");
}

#[test]
fn a_packet_waits_for_the_acknowledgement_of_the_one_before() {
    if IO_THREADS == 0 {
        // Reading is part of `next`, which acknowledges.
        return;
    }
    let mut host = Host::new();
    let mut one = host.adopted();
    one.write_all(GET).unwrap();
    let first = host.next();
    // Read and parsed only after the first one is acknowledged; the other connection's packet,
    // which comes later, overtakes it.
    one.write_all(b"GET /second HTTP/1.1\r\n\r\n").unwrap();
    let mut other = host.adopted();
    other.write_all(b"GET /other HTTP/1.1\r\n\r\n").unwrap();
    let mut taken = Mail::default();
    while taken.is_empty() {
        host.core.queue.take(&mut taken);
    }
    assert_eq!(taken.deliveries[0].records.text, b"/other");
    let second = host.next();
    assert_eq!((second.id, second.flags), (first.id, 0));
    assert_eq!(second.records.text, b"/second");
}

#[test]
fn a_stranger_is_refused_without_a_delivery() {
    let mut host = Host::refusing();
    for (packets, code, reply) in [
        (&b"BAD\r\n\r\n"[..], Code::InvalidMethod, "400 Bad Request"),
        (&b"GET / HT"[..], Code::InvalidEofState, "400 Bad Request"),
        (
            &[b"GET /", &[b'a'; 20_000][..]].concat(),
            Code::HeaderOverflow,
            "431 Request Header Fields Too Large",
        ),
    ] {
        let mut client = host.adopted();
        client.write_all(packets).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let expected = format!("HTTP/1.1 {reply}\r\nConnection: close\r\n\r\n");
        assert_eq!(host.rest(&client), expected.as_bytes());
        assert_eq!(host.count(code.as_str()), 1);
    }
    host.until_closed();
    // Nothing was queued for them: a good request is the first delivery.
    host.adopted().write_all(GET).unwrap();
    assert_eq!(host.next().flags, FIRST);
}

#[test]
fn a_stranger_that_says_nothing_is_closed_at_fin_and_not_counted() {
    let mut host = Host::refusing();
    let client = host.adopted();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(host.rest(&client), b"");
    host.until_closed();
    assert!(host.server.counters.snapshot().is_empty());
}

#[test]
fn a_refusal_is_delivered_where_javascript_may_listen() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(b"GE").unwrap();
    client.write_all(b"T / HTTP/9.9\r\n").unwrap();
    let popped = host.next();
    assert_eq!(popped.flags, FIRST);
    assert_eq!(popped.records.numbers[0], FAILED);
    assert_eq!(popped.records.numbers[1], Code::InvalidVersion.index());
    assert!(b"GET / HTTP/9.9\r\n".ends_with(&popped.records.blobs[0]));
    assert_eq!(popped.bytes, 16);
    // The connection stays, and every further packet fails likewise.
    client.write_all(b"more").unwrap();
    let again = host.next();
    assert_eq!(again.records.numbers[1], Code::InvalidVersion.index());
    assert_eq!(again.records.numbers[3], popped.records.numbers[3]);
    assert_eq!(*again.records.blobs[0], *b"more");
    assert!(host.server.counters.snapshot().is_empty());
}

#[test]
fn a_known_connection_is_never_refused_without_javascript() {
    let mut host = Host::refusing();
    let mut client = host.adopted();
    client.write_all(&[GET, b"BAD"].concat()).unwrap();
    let popped = host.next();
    assert_eq!(popped.records.numbers[0], HEAD);
    assert!(popped.records.numbers.contains(&FAILED));
    client.write_all(b"BAD").unwrap();
    assert_eq!(host.next().records.numbers[0], FAILED);
    assert!(host.server.counters.snapshot().is_empty());
}

#[test]
fn packets_of_a_known_connection_that_complete_nothing_are_delivered_empty() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    host.next();
    client.write_all(b"GET /").unwrap();
    let popped = host.next();
    assert!(popped.records.is_empty());
    assert_eq!(popped.bytes, 5);
}

#[test]
fn fin_is_delivered_with_the_parsers_verdict() {
    let mut host = Host::new();
    for (packet, verdict) in [
        (GET, 0),
        (
            b"GET / HTTP/1.1\r\n\r\nG",
            Code::InvalidEofState.index() + 1,
        ),
    ] {
        let mut client = host.adopted();
        client.write_all(packet).unwrap();
        let id = host.next().id;
        client.shutdown(Shutdown::Write).unwrap();
        let popped = host.next();
        assert_eq!(popped.id, id);
        assert_eq!(popped.records.numbers[..2], [END, verdict]);
        assert_eq!(popped.records.numbers[3], 0);
        // Still writable.
        assert_eq!(write(&host.conn(id), &[b"bye"]), Ok(Taken::All));
        host.connections.close(id, false);
        assert_eq!(host.rest(&client), b"bye");
        assert_eq!(host.next().records.numbers, [CLOSED]);
    }
}

#[test]
fn fin_that_comes_with_the_last_bytes_is_delivered() {
    for warm in [false, true] {
        for (packet, verdict) in [
            (GET, 0),
            (&b"GET /"[..], Code::InvalidEofState.index() + 1),
            (b"", 0),
        ] {
            let mut host = Host::new();
            let mut client = host.adopted();
            client.write_all(GET).unwrap();
            if warm {
                host.next();
            }
            // Both are there before anything is read.
            client.write_all(packet).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut popped = host.next();
            while popped.records.numbers.first() != Some(&END) {
                popped = host.next();
            }
            assert_eq!(popped.records.numbers[..2], [END, verdict]);
            // Once.
            host.connections.close(popped.id, false);
            assert_eq!(host.next().records.numbers, [CLOSED]);
        }
    }
}

#[test]
fn a_reset_that_comes_with_the_last_bytes_is_delivered() {
    for warm in [false, true] {
        for packet in [GET, b"GET /", b""] {
            let mut host = Host::new();
            let (_listener, address) = host.listen();
            let mut client = connect(address);
            client.write_all(GET).unwrap();
            if warm {
                host.next();
            }
            client.write_all(packet).unwrap();
            reset(client);
            let mut popped = host.next();
            while popped.records.numbers.first() != Some(&SOCKET_ERROR) {
                popped = host.next();
            }
            assert_eq!(popped.records.numbers, [SOCKET_ERROR, libc::ECONNRESET as u32, 0]);
            host.connections.close(popped.id, false);
            assert_eq!(host.next().records.numbers, [CLOSED]);
        }
    }
}

#[test]
fn eager_connections_are_delivered_before_they_are_read() {
    let mut host = Host::refusing();
    host.server.settings.set("eager", 1);
    let mut client = host.adopted();
    let popped = host.next();
    assert_eq!(
        (popped.flags, &popped.records.numbers[..]),
        (FIRST, &[ACCEPTED][..])
    );
    client.write_all(b"BAD").unwrap();
    let popped = host.next();
    assert_eq!((popped.flags, popped.records.numbers[0]), (0, FAILED));
}

#[test]
fn output_that_the_kernel_does_not_take_follows_in_order() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    let conn = host.conn(id);
    let big: Vec<u8> = (0..4_000_000_u32).map(|i| i as u8).collect();
    assert_eq!(write(&conn, &[&big]), Ok(Taken::Part));
    assert!(conn.write_queue_size() > 0);
    assert_eq!(write(&conn, &[b"end"]), Ok(Taken::Nothing));
    assert_eq!(conn.shutdown(), Ok(true));
    assert_eq!(write(&conn, &[b"late"]), Err(libc::EPIPE));
    let received = host.rest(&client);
    assert_eq!(received.len(), big.len() + 3);
    assert!(received.starts_with(&big) && received.ends_with(b"end"));
    assert_eq!(host.next().records.numbers, [WRITTEN, 0]);
    assert_eq!(host.next().records.numbers, [SHUTDOWN, 0]);
    assert_eq!(conn.write_queue_size(), 0);
}

#[test]
fn last_output_and_fin_leave_whether_the_kernel_takes_it_or_not() {
    for length in [28, 4_000_000] {
        let mut host = Host::new();
        let mut client = host.adopted();
        client.write_all(GET).unwrap();
        let id = host.next().id;
        let conn = host.conn(id);
        let output: Vec<u8> = (0..length).map(|i: u32| i as u8).collect();
        let waits = length > 28;
        let taken = text(&[&output], |output| conn.write(output, true));
        assert_eq!(taken == Ok(Taken::Part), waits);
        assert_eq!(conn.shutdown(), Ok(waits));
        assert!(host.rest(&client) == output);
    }
}

#[test]
fn what_is_deferred_is_bounded_and_so_is_what_is_sent_at_once_after_a_full_kernel() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    let conn = host.conn(id);
    assert!(!defer(&conn, &[7; DEFERRED + 1]));
    assert!(defer(&conn, &[7; DEFERRED - 1]));
    assert!(!defer(&conn, &[7; 2]));
    assert!(defer(&conn, &[7]));
    assert_eq!(conn.write_queue_size(), 0);
    assert_eq!(write(&conn, &[&vec![7; 4_000_000]]), Ok(Taken::Part));
    // JavaScript waits for what is ahead of it.
    assert!(!defer(&conn, &[7]));
    let length = 4_000_000 + DEFERRED;
    let read = host.beside(|| {
        let mut all = vec![0; length];
        client.read_exact(&mut all).map(|()| all)
    });
    assert!(read.unwrap() == vec![7; length]);
    assert_eq!(host.next().records.numbers, [WRITTEN, 0]);
    // Whether there is room again, a send has to tell.
    assert!(!defer(&conn, &[7]));
    assert_eq!(write(&conn, &[b"x"]), Ok(Taken::All));
    assert!(defer(&conn, &[7]));
}

#[test]
fn deferred_output_that_the_kernel_does_not_take_counts_as_sent() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    let conn = host.conn(id);
    let filled = fill(&conn);
    assert!(defer(&conn, &[7; 1000]));
    conn.flush();
    assert!(!defer(&conn, &[7]));
    assert_eq!(conn.write_queue_size(), 0);
    assert_eq!(conn.shutdown(), Ok(false));
    let received = host.rest(&client);
    assert_eq!(received.len(), filled + 1000);
    assert!(received.ends_with(&[7; 1000]));
    // Nobody waits for a word of it.
    client.shutdown(Shutdown::Both).unwrap();
    assert_eq!(host.next().records.numbers[0], END);
}

#[test]
fn deferred_output_survives_a_close_and_pending_output_does_not() {
    for pending in [false, true] {
        let mut host = Host::new();
        let mut client = host.adopted();
        client.write_all(GET).unwrap();
        let id = host.next().id;
        assert!(host.connections.next(&host.core, &mut Vecs).is_none());
        let conn = host.conn(id);
        let filled = fill(&conn);
        assert!(defer(&conn, &[7; 1000]));
        conn.flush();
        if pending {
            assert_eq!(write(&conn, &[b"pending"]), Ok(Taken::Nothing));
        }
        host.connections.close(id, false);
        // JavaScript need not wait for it.
        assert_eq!(host.next().records.numbers, [CLOSED]);
        let received = host.rest(&client);
        assert_eq!(received.len(), filled + 1000);
        assert!(received.ends_with(&[7; 1000]));
        while host.core.live() > 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn deferred_output_does_not_survive_a_reset_nor_the_engine() {
    for reset in [true, false] {
        let mut host = Host::new();
        let mut client = host.adopted();
        client.write_all(GET).unwrap();
        let id = host.next().id;
        assert!(host.connections.next(&host.core, &mut Vecs).is_none());
        let conn = host.conn(id);
        let filled = fill(&conn);
        assert!(defer(&conn, &[7; 1000]));
        host.connections.close(id, reset);
        assert_eq!(host.next().records.numbers, [CLOSED]);
        while host.core.live() > usize::from(!reset) {
            std::thread::yield_now();
        }
        host.end();
        assert_eq!(host.core.live(), 0);
        assert_eq!(rest(&client).len(), filled);
    }
}

#[test]
fn an_error_that_deferred_output_meets_is_one_of_reading() {
    for then in ["flush", "write", "shutdown"] {
        let mut host = Host::new();
        let (_listener, address) = host.listen();
        let mut client = connect(address);
        client.write_all(GET).unwrap();
        let id = host.next().id;
        let conn = host.conn(id);
        assert!(defer(&conn, &[7; 1000]));
        // Closed with bytes that nobody reads: RST.
        conn.with_fd(|fd| io::send(fd, &[b"unread"])).unwrap().unwrap();
        // SAFETY: the pointer and the length are those of an array.
        let unread = unsafe {
            libc::recv(client.as_raw_fd(), [0_u8; 1].as_mut_ptr().cast(), 1, libc::MSG_PEEK)
        };
        assert_eq!(unread, 1);
        drop(client);
        match then {
            "write" => {
                assert_eq!(write(&conn, &[b"x"]), Err(libc::ECONNRESET));
                continue;
            }
            "shutdown" => assert_eq!(conn.shutdown(), Err(libc::ENOTCONN)),
            _ => conn.flush(),
        }
        let failure = [SOCKET_ERROR, libc::ECONNRESET as u32, 0];
        assert_eq!(host.next().records.numbers, failure);
    }
}

#[test]
fn pending_output_is_sent_from_the_memory_that_was_lent() {
    let mut lender = Lender::new(vec![1; 4_000_000]);
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    let conn = host.conn(id);
    let filled = fill(&conn);
    assert_eq!(lender.write(&host, &conn), Ok(Taken::Nothing));
    assert_eq!(conn.write_queue_size(), 4_000_004);
    lender.bytes.fill(2);
    assert_eq!(lender.returned(), 0);
    let received = host.beside(|| {
        let mut all = vec![0; filled + 4_000_004];
        client.read_exact(&mut all).map(|()| all)
    });
    let received = received.unwrap();
    assert_eq!(received[filled..filled + 4], *b"head");
    assert!(received[filled + 4..] == lender.bytes);
    assert_eq!(host.next().records.numbers, [WRITTEN, 0]);
    while lender.returned() == 0 {
        assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    }
    assert_eq!(lender.returned(), 1);
}

#[test]
fn what_is_given_back_from_another_thread_does_not_keep_javascript_from_being_woken() {
    let lender = Lender::new(vec![1]);
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    host.next();
    let loan = lender.lend(&host);
    std::thread::spawn(move || drop(loan)).join().unwrap();
    // All that there is: JavaScript sleeps after it.
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    assert_eq!(lender.returned(), 1);
    // What woke it before.
    host.woken.set_nonblocking(true).unwrap();
    let _ = host.woken.read(&mut [0; 64]);
    host.woken.set_nonblocking(false).unwrap();
    host.woken.set_read_timeout(Some(PATIENCE)).unwrap();
    host.core.queue.rouse(0);
    assert_eq!(host.woken.read(&mut [0; 64]).unwrap(), 1);
}

#[test]
fn lent_memory_is_given_back_when_it_is_not_sent() {
    for how in ["nothing waits", "close", "detach", "end"] {
        let lender = Lender::new(vec![1; if how == "nothing waits" { 4 } else { 4_000_000 }]);
        let mut host = Host::new();
        let mut client = host.adopted();
        client.write_all(GET).unwrap();
        let id = host.next().id;
        let conn = host.conn(id);
        let taken = lender.write(&host, &conn);
        match how {
            "nothing waits" => assert_eq!(taken, Ok(Taken::All)),
            "close" => {
                host.connections.close(id, false);
                assert_eq!(host.next().records.numbers, [CLOSED]);
            }
            "detach" => {
                let (detached, _) = host.connections.detach(&host.core, id).unwrap();
                let [Remainder::Lent { number, skipped, .. }] = &detached.pending[..] else {
                    panic!("{:?}", detached.pending);
                };
                assert_eq!(*number, 3);
                assert!(*skipped > 0 && *skipped < 4_000_000);
                assert_eq!(lender.returned(), 0);
            }
            _ => host.end(),
        }
        if how == "close" && IO_THREADS != 0 {
            while lender.returned() == 0 {
                assert!(host.connections.next(&host.core, &mut Vecs).is_none());
            }
        }
        assert_eq!(lender.returned(), usize::from(how != "nothing waits"), "{how}");
    }
}

#[test]
fn a_write_that_fails_late_is_reported() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    assert_eq!(write(&host.conn(id), &[&vec![0; 4_000_000]]), Ok(Taken::Part));
    drop(client);
    let mut numbers = host.next().records.numbers;
    while numbers[0] != WRITTEN {
        numbers = host.next().records.numbers;
    }
    assert_eq!(numbers, [WRITTEN, libc::EPIPE as u32]);
}

#[test]
fn a_paused_connection_is_not_read_and_its_packets_are_held_back() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    client.write_all(b"GET /held HTTP/1.1\r\n\r\n").unwrap();
    // In the queue already when JavaScript pauses, if a thread has put it there.
    host.wait();
    host.connections.pause(id);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    let held = host.connections.resume(&host.core, id);
    assert_eq!(held, IO_THREADS != 0);
    assert_eq!(host.next().records.text, b"/held");
}

#[test]
fn a_destroyed_connection_delivers_only_its_end() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    client.write_all(GET).unwrap();
    host.connections.close(id, false);
    assert_eq!(host.server.connections.open(), 0);
    assert!(host.connections.get(id).is_none());
    let popped = host.next();
    assert_eq!((popped.id, popped.records.numbers), (id, vec![CLOSED]));
}

#[test]
fn reset_sends_rst() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let mut client = connect(address);
    client.write_all(GET).unwrap();
    let id = host.next().id;
    host.connections.close(id, true);
    let error = host.beside(|| client.read(&mut [0])).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
}

#[test]
fn an_upgrade_parks_until_it_is_answered() {
    let upgrade = b"GET /up HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes of x";
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(upgrade).unwrap();
    let popped = host.next();
    assert_eq!(popped.records.numbers.last(), Some(&PARKED));
    // Declined: the rest of that packet is ignored, the next one is parsed.
    let conn = host.conn(popped.id);
    assert!(conn.decline_upgrade().unwrap().is_empty());
    assert!(conn.decline_upgrade().is_none());
    client.write_all(GET).unwrap();
    assert_eq!(host.next().records.text, b"/a");
}

#[test]
fn the_body_of_a_declined_upgrade_follows_its_head() {
    let upgrade =
        b"PUT /up HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc";
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(upgrade).unwrap();
    let popped = host.next();
    let rest = host.conn(popped.id).decline_upgrade().unwrap();
    assert_eq!(rest.numbers, [BODY, 0, COMPLETE, 0]);
    assert_eq!(*rest.blobs[0], *b"abc");
}

#[test]
fn detaching_gives_away_what_was_not_parsed_and_not_sent() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client
        .write_all(b"CONNECT a:1 HTTP/1.1\r\n\r\nbytes")
        .unwrap();
    let id = host.next().id;
    let conn = host.conn(id);
    let big = vec![7; 4_000_000];
    assert_eq!(write(&conn, &[&big]), Ok(Taken::Part));
    let (detached, queued) = host.connections.detach(&host.core, id).unwrap();
    assert_eq!(queued, 0);
    let parked = detached.parked.unwrap();
    assert_eq!(&parked.packet[parked.at..], b"bytes");
    assert!(host.connections.get(id).is_none());
    // Still counted; the descriptor is ours now.
    assert_eq!(host.server.connections.open(), 1);
    let [Remainder::Bytes(pending)] = &detached.pending[..] else {
        panic!("{:?}", detached.pending);
    };
    let mut received = vec![0; big.len() - pending.len()];
    client.read_exact(&mut received).unwrap();
    let mut ours = UnixStream::from(detached.fd);
    ours.write_all(b"directly").unwrap();
    client.read_exact(&mut received[..8]).unwrap();
    assert_eq!(&received[..8], b"directly");
    drop(ours);
    assert_eq!(host.rest(&client), b"");
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
}

#[test]
fn a_packet_that_was_parsed_before_detaching_is_still_delivered() {
    let mut host = Host::new();
    let mut clients = [host.adopted(), host.adopted()];
    let mut ask = |client: &mut UnixStream| {
        client.write_all(GET).unwrap();
        host.next().id
    };
    // With its second request a connection has settled where it is read.
    let _ = clients.each_mut().map(&mut ask);
    let ids = clients.each_mut().map(&mut ask);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    for client in &mut clients {
        client.write_all(b"GET /queued HTTP/1.1\r\n\r\n").unwrap();
    }
    let told = host.next().id;
    let id = if told == ids[0] { ids[1] } else { ids[0] };
    let conn = host.conn(id);
    while !conn.has_bytes_coming() {
        std::thread::yield_now();
    }
    let (_detached, queued) = host.connections.detach(&host.core, id).unwrap();
    assert_eq!(queued, 1);
    let popped = host.next();
    assert_eq!((popped.id, popped.records.text), (id, b"/queued".to_vec()));
}

#[test]
fn connections_over_the_limit_are_dropped() {
    let mut host = Host::new();
    host.server.settings.set("maxConnections", 1);
    host.server.settings.set("dropNotice", 1);
    let (_listener, address) = host.listen();
    let mut kept = connect(address);
    kept.write_all(GET).unwrap();
    assert_eq!(host.next().flags, FIRST);
    let dropped = connect(address);
    assert_eq!(rest(&dropped), b"");
    let popped = host.next();
    assert_eq!((popped.id, popped.flags), (7, SERVER));
    assert_eq!(popped.records.numbers, [DROPPED]);
    let port = dropped.local_addr().unwrap().port();
    let text = format!(
        "127.0.0.1\n{}\nIPv4\n127.0.0.1\n{port}\nIPv4",
        address.port()
    );
    assert_eq!(popped.records.text, text.as_bytes());
}

#[test]
fn the_last_connections_end_drains_the_server() {
    let mut host = Host::new();
    host.server.settings.set("drainNotice", 1);
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    host.connections.close(id, false);
    let mut seen = [host.next(), host.next()].map(|popped| popped.records.numbers[0]);
    seen.sort_unstable();
    assert_eq!(seen, [CLOSED, DRAINED]);
}

#[test]
fn a_closed_listener_refuses_connections_at_once() {
    let host = Host::new();
    let bound = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = bound.local_addr().unwrap();
    let listener = Listener::open(&host.core, &host.server, bound.as_raw_fd(), 511).unwrap();
    drop(bound);
    drop(connect(address));
    listener.close();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn threads_run_only_while_there_is_something_to_do() {
    let mut host = Host::new();
    assert!(!host.core.is_running());
    let (listener, address) = host.listen();
    assert!(host.core.is_running());
    let mut client = connect(address);
    client.write_all(GET).unwrap();
    let id = host.next().id;
    listener.close();
    assert!(host.core.is_running());
    host.connections.close(id, false);
    assert_eq!(host.next().records.numbers, [CLOSED]);
    while host.core.is_running() {
        std::thread::yield_now();
    }
    // And again.
    let (_listener, address) = host.listen();
    connect(address).write_all(GET).unwrap();
    assert_eq!(host.next().flags, FIRST);
}

#[test]
fn shutting_down_closes_every_descriptor() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let mut known = connect(address);
    known.write_all(GET).unwrap();
    let id = host.next().id;
    let mut fd = -1;
    host.conn(id).with_fd(|raw| fd = raw);
    assert!(open(fd));
    let stranger = connect(address);
    host.end();
    assert!(!open(fd));
    assert_eq!(rest(&known), b"");
    assert_eq!(host.core.live(), 0);
    drop(stranger);
    assert!(TcpStream::connect(address).is_err());
    let (_ours, theirs) = UnixStream::pair().unwrap();
    assert!(listener::adopt(&host.core, &host.server, theirs.as_raw_fd()).is_err());
}

#[test]
fn overdue_strangers_are_refused_and_known_connections_reported_once() {
    let mut host = Host::refusing();
    let stranger = host.adopted();
    let mut known = host.adopted();
    known
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    host.next();
    let later = now() + 10_000_000_000;
    let overdue = |host: &Host| {
        host.server
            .connections
            .pick(|conn| conn.is_newly_overdue(later, 1_000, 2_000))
    };
    let both = overdue(&host);
    assert_eq!(both.len(), 2);
    let refused = both
        .iter()
        .filter(|conn| conn.refuse_overdue(1_000, 2_000))
        .count();
    assert_eq!(refused, 1);
    assert!(rest(&stranger).starts_with(b"HTTP/1.1 408 "));
    assert_eq!(host.count("ERR_HTTP_REQUEST_TIMEOUT"), 1);
    assert!(overdue(&host).is_empty());
}

#[test]
fn only_connections_between_messages_are_idle() {
    let mut host = Host::new();
    let _silent = host.adopted();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    let idle = |host: &Host| host.server.connections.pick(Conn::is_idle).len();
    // The request is still being dispatched.
    assert_eq!(idle(&host), 0);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    assert_eq!(idle(&host), 1);
    host.server.settings.set("idleIncludesSilent", 1);
    assert_eq!(idle(&host), 2);
    client.write_all(b"G").unwrap();
    assert_eq!(host.next().id, id);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    assert_eq!(idle(&host), 1);
}

/// The body in a delivery; none of its runs is larger than a packet.
fn body(popped: &Popped) -> Vec<u8> {
    let blobs = &popped.records.blobs;
    assert!(blobs.iter().all(|blob| blob.len() <= 65_536));
    blobs.iter().flat_map(|blob| blob.iter().copied()).collect()
}

fn upload(length: usize, chunked: bool) -> (Vec<u8>, Vec<u8>) {
    let content: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
    let mut message = b"POST / HTTP/1.1\r\nHost: a\r\n".to_vec();
    if chunked {
        message.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in content.chunks(40_000) {
            message.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            message.extend_from_slice(chunk);
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"0\r\n\r\n");
    } else {
        message.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        message.extend_from_slice(&content);
    }
    (message, content)
}

#[test]
fn a_large_body_arrives_whole_and_what_follows_it_too() {
    for chunked in [false, true] {
        let mut host = Host::new();
        let (_listener, address) = host.listen();
        let (message, content) = upload(6 << 20, chunked);
        let mut client = connect(address);
        let sender = std::thread::spawn(move || {
            client.write_all(&message).unwrap();
            client.write_all(GET).unwrap();
            client
        });
        let mut received = Vec::new();
        let mut heads = 0;
        while heads < 2 {
            let popped = host.next();
            received.extend(body(&popped));
            // Target and first value of each head.
            let text = &popped.records.text;
            heads += text.windows(2).filter(|w| w == b"/a").count();
        }
        assert!(received == content);
        drop(sender.join().unwrap());
    }
}

#[test]
fn large_bodies_take_turns() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, content) = upload(6 << 20, false);
    let message = Arc::new(message);
    let senders: Vec<_> = (0..3)
        .map(|_| {
            let message = message.clone();
            let mut client = connect(address);
            std::thread::spawn(move || client.write_all(&message).map(|()| client))
        })
        .collect();
    let mut received = std::collections::HashMap::<u32, Vec<u8>>::new();
    while received.values().map(Vec::len).sum::<usize>() < 3 * content.len() {
        let popped = host.next();
        received.entry(popped.id).or_default().extend(body(&popped));
    }
    assert!(received.len() == 3 && received.values().all(|bytes| *bytes == content));
    for sender in senders {
        drop(sender.join().unwrap().unwrap());
    }
}

#[test]
fn a_turn_ends_while_a_large_body_keeps_coming() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, _) = upload(64 << 20, false);
    let mut client = connect(address);
    let sender = std::thread::spawn(move || client.write_all(&message));
    let mut longest = 0;
    for _ in 0..8 {
        host.next();
        let mut turn = 1;
        while host.connections.next(&host.core, &mut Vecs).is_some() {
            turn += 1;
        }
        longest = longest.max(turn);
    }
    assert!(longest <= 128, "{longest} deliveries in a turn");
    host.end();
    let _ = sender.join().unwrap();
}

#[test]
fn a_connection_is_given_away_between_two_reads_of_a_large_body() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, content) = upload(32 << 20, false);
    let mut client = connect(address);
    let sender = std::thread::spawn(move || client.write_all(&message).map(|()| client));
    let mut received = Vec::new();
    let mut popped = host.next();
    let id = popped.id;
    loop {
        received.extend(body(&popped));
        match host.connections.next(&host.core, &mut Vecs) {
            Some(next) => popped = next,
            // The turn is over.
            None if received.len() > 1 << 20 => break,
            None => popped = host.next(),
        }
    }
    let (detached, queued) = host.connections.detach(&host.core, id).unwrap();
    if queued == 1 {
        received.extend(body(&host.next()));
    }
    let mut rest = std::fs::File::from(detached.fd);
    let mut buffer = vec![0; 65_536];
    while received.len() < content.len() {
        match rest.read(&mut buffer) {
            Ok(n) => received.extend_from_slice(&buffer[..n]),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    assert!(received == content);
    drop(sender.join().unwrap().unwrap());
}

#[test]
fn output_leaves_while_a_large_body_waits_for_javascript() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, _) = upload(4 << 20, false);
    let client = connect(address);
    let mut sending = client.try_clone().unwrap();
    let sender = std::thread::spawn(move || sending.write_all(&message));
    let popped = loop {
        let popped = host.next();
        if body(&popped).len() > 32_768 {
            break popped;
        }
    };
    let conn = host.conn(popped.id);
    let output = vec![7; 32 << 20];
    assert_eq!(write(&conn, &[&output]), Ok(Taken::Part));
    let mut echoed = vec![0; output.len()];
    host.beside(|| (&client).read_exact(&mut echoed)).unwrap();
    assert!(echoed == output);
    client.shutdown(Shutdown::Both).unwrap();
    let _ = sender.join();
}

#[test]
fn a_paused_connection_reads_no_more_of_a_large_body() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, content) = upload(2 << 20, false);
    let mut client = connect(address);
    let sender = std::thread::spawn(move || {
        client.write_all(&message).unwrap();
        client
    });
    let mut received = Vec::new();
    let id = loop {
        let popped = host.next();
        received.extend(body(&popped));
        if received.len() > 128 * 1024 {
            break popped.id;
        }
    };
    host.connections.pause(id);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    if host.connections.resume(&host.core, id) {
        received.extend(body(&host.next()));
    }
    while received.len() < content.len() {
        received.extend(body(&host.next()));
    }
    assert!(received == content);
    drop(sender.join().unwrap());
}

#[test]
fn a_panic_on_an_established_connection_ends_that_one_alone() {
    let mut host = Host::new();
    let (mut client, mut other) = (host.adopted(), host.adopted());
    client.write_all(GET).unwrap();
    let id = host.next().id;
    let conn = host.connections.get(id).unwrap().clone();
    conn.panics.store(true, Ordering::Relaxed);
    client.write_all(GET).unwrap();
    let popped = host.next();
    assert_eq!(popped.id, id);
    let failure = [SOCKET_ERROR, PANICKED, 0];
    assert_eq!(popped.records.numbers, failure);
    other.write_all(GET).unwrap();
    assert_eq!(host.next().records.numbers.first(), Some(&HEAD));
    host.connections.close(id, false);
    assert_eq!(host.next().records.numbers, [CLOSED]);
    assert_eq!(host.beside(|| rest(&client)), b"");
}

#[test]
fn a_panic_on_a_connection_that_nobody_knows_is_counted() {
    let mut host = Host::refusing();
    host.serve();
    let (ours, client) = UnixStream::pair().unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let lobby = host.core.enter().unwrap();
    let conn = Conn::open(&host.core, &host.server, ours.into(), None, Bound::default());
    conn.panics.store(true, Ordering::Relaxed);
    lobby.spawn(Task::stranger(conn));
    (&client).write_all(GET).unwrap();
    assert_eq!(rest(&client), b"");
    let counts = host.server.counters.snapshot();
    assert_eq!(counts, [("ERR_FERROHTTP_INTERNAL".to_owned(), 1)]);
}

#[test]
fn the_id_of_a_connection_that_has_gone_is_nobodys() {
    let mut host = Host::new();
    let mut gone = Vec::new();
    let mut fds = Vec::new();
    for detach in [true, false, true, false] {
        let mut client = host.adopted();
        client.write_all(GET).unwrap();
        let id = host.next().id;
        assert!(!gone.contains(&id));
        if detach {
            fds.push(host.connections.detach(&host.core, id).unwrap().0.fd);
        } else {
            host.connections.close(id, false);
            assert_eq!(host.next().records.numbers, [CLOSED]);
        }
        gone.push(id);
        // The place is free once that was dispatched.
        while host.connections.next(&host.core, &mut Vecs).is_some() {}
    }
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    let id = host.next().id;
    let place = |id: u32| id & ((1 << INDEX_BITS) - 1);
    assert!(gone.iter().any(|&old| place(old) == place(id)), "no place was used again");
    for &old in &gone {
        assert!(host.connections.get(old).is_none());
        host.connections.pause(old);
        assert!(!host.connections.resume(&host.core, old));
        assert_eq!(host.connections.close(old, true), 0);
        assert_eq!(host.connections.take_bytes_read(old), 0);
        assert!(host.connections.detach(&host.core, old).is_err());
    }
    let conn = host.conn(id);
    assert_eq!(write(&conn, &[b"still here"]), Ok(Taken::All));
    let mut received = [0; 10];
    client.read_exact(&mut received).unwrap();
    assert_eq!(&received, b"still here");
    client.write_all(GET).unwrap();
    let next = host.next();
    assert_eq!((next.id, next.flags), (id, 0));
}

#[test]
fn the_end_of_a_connection_that_nobody_knew_is_noticed() {
    let mut host = Host::new();
    host.server.settings.set("drainNotice", 1);
    let mut known = host.adopted();
    known.write_all(GET).unwrap();
    let id = host.next().id;
    let stranger = host.adopted();
    while host.server.connections.owned() < 2 {
        std::thread::yield_now();
    }
    drop(stranger);
    let notice = host.next();
    assert_eq!((notice.flags, &notice.records.numbers[..]), (SERVER, &[DRAINED][..]));
    assert_eq!(host.server.connections.owned(), 1);
    host.connections.detach(&host.core, id).unwrap();
    assert_eq!((host.server.connections.open(), host.server.connections.owned()), (1, 0));
}

#[test]
fn a_screened_connection_counts_once_it_is_admitted() {
    let mut host = Host::new();
    host.server.settings.set("screened", 1);
    host.server.settings.set("eager", 1);
    let _refused = host.adopted();
    let refused = host.next().id;
    assert_eq!(host.server.connections.open(), 0);
    host.connections.close(refused, false);
    assert_eq!(host.next().records.numbers, [CLOSED]);
    assert_eq!(host.server.connections.open(), 0);
    let _admitted = host.adopted();
    let admitted = host.next().id;
    let conn = host.conn(admitted);
    conn.admit();
    conn.admit();
    assert_eq!(host.server.connections.open(), 1);
    host.connections.close(admitted, false);
    assert_eq!(host.server.connections.open(), 0);
    conn.admit();
    assert_eq!(host.server.connections.open(), 0);
}
