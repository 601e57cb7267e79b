// The engine with the test in the place of JavaScript.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ferrohttp::conn::Core;
use ferrohttp::conn::address::{Bound, End};
use ferrohttp::conn::outbox::{DEFERRED, Remainder};
use ferrohttp::conn::output::{Output, Piece};
use ferrohttp::conn::task::Task;
use ferrohttp::conn::{Conn, Knowledge, Taken, io};
use ferrohttp::engine::deferred::Moment;
use ferrohttp::engine::queue::{Inbox, Queue};
use ferrohttp::http1::{Code, Profile, names};
use ferrohttp::js_thread::connections::{Connections, FIRST, Popped, SERVER};
use ferrohttp::js_thread::slots::INDEX_BITS;
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

    /// As `adopted`, and its request was delivered. Returns the client and the id of its connection.
    fn established(&mut self) -> (UnixStream, u32) {
        let mut client = self.adopted();
        client.write_all(GET).unwrap();
        (client, self.next().id)
    }

    /// A client whose request was delivered, and the id of its connection.
    fn served(&mut self, address: std::net::SocketAddr) -> (TcpStream, u32) {
        let mut client = connect(address);
        client.write_all(GET).unwrap();
        (client, self.next().id)
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

    /// Closes a connection. JavaScript hears of the end at once or by CLOSED.
    fn close(&mut self, id: u32, reset: bool) {
        if !self.connections.close(id, reset).is_over {
            let popped = self.next();
            assert_eq!((popped.id, popped.records.numbers), (id, vec![CLOSED]));
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
        let by_timer = self.connections.begin_turn(&self.core);
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
        let patience = by_timer.map_or(PATIENCE.as_millis() as i32, |ms| ms as i32);
        // SAFETY: the pointer and the number are those of the array.
        let ready = unsafe { libc::poll(watched.as_mut_ptr(), 2, patience) };
        assert!(ready > 0 || by_timer.is_some(), "no delivery came");
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

    /// Waits until a connection is served on this thread. Nothing may be told meanwhile.
    fn until_seated(&mut self, conn: &Conn) {
        assert!(self.connections.next(&self.core, &mut Vecs).is_none());
        while conn.seat.load(Ordering::Relaxed) == 0 {
            self.wait();
            assert!(self.connections.next(&self.core, &mut Vecs).is_none());
        }
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
    io::set_reset_on_close(stream.as_raw_fd()).unwrap();
    drop(stream);
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
        several: ranges.len() > 1,
        blanks: 0,
        lend: &|| None,
    })
}

fn write(conn: &Conn, pieces: &[&[u8]]) -> Result<Taken, i32> {
    text(pieces, |output| conn.write(output, false))
}

fn defer(conn: &Conn, piece: &[u8]) -> bool {
    text(&[piece], |output| conn.defer(output, Knowledge::Unasked))
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
                several: true,
                blanks: 0,
                lend: &lend,
            },
            false,
        )
    }
}
