// The beginning and end of connections, listeners, threads and the engine.

#[test]
fn a_destroyed_connection_delivers_only_its_end() {
    let mut host = Host::new();
    let (mut client, id) = host.established();
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    client.write_all(GET).unwrap();
    let closing = host.connections.close(id, false);
    assert_eq!(host.server.connections.open(), 0);
    assert!(host.connections.get(id).is_none());
    if !closing.is_over {
        let popped = host.next();
        assert_eq!((popped.id, popped.records.numbers), (id, vec![CLOSED]));
    }
}

#[test]
fn reset_sends_rst() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (mut client, id) = host.served(address);
    host.connections.close(id, true);
    let error = host.beside(|| client.read(&mut [0])).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
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
    let (_client, id) = host.established();
    let mut left = vec![CLOSED, DRAINED];
    if host.connections.close(id, false).is_over {
        left.remove(0);
    }
    while !left.is_empty() {
        let record = host.next().records.numbers[0];
        left.remove(left.iter().position(|&one| one == record).unwrap());
    }
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
    let (_client, id) = host.served(address);
    listener.close();
    assert!(host.core.is_running());
    host.close(id, false);
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
    let (known, _) = host.served(address);
    let newcomer = connect(address);
    host.end();
    assert_eq!(rest(&known), b"");
    assert_eq!(host.core.live(), 0);
    drop(newcomer);
    assert!(TcpStream::connect(address).is_err());
    let (_ours, theirs) = UnixStream::pair().unwrap();
    assert!(listener::adopt(&host.core, &host.server, theirs.as_raw_fd()).is_err());
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
    host.close(id, false);
    assert_eq!(host.beside(|| rest(&client)), b"");
}

#[test]
fn a_panic_on_a_connection_that_nobody_knows_is_counted() {
    let mut host = Host::refusing();
    host.serve();
    let (ours, client) = UnixStream::pair().unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let accept_thread = host.core.enter().unwrap();
    let conn = Conn::open(&host.core, &host.server, ours.into(), None, Bound::default());
    conn.panics.store(true, Ordering::Relaxed);
    accept_thread.spawn(Task::accepted(conn));
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
        let (_client, id) = host.established();
        assert!(!gone.contains(&id));
        if detach {
            fds.push(host.connections.detach(&host.core, id).unwrap().0.fd);
        } else {
            host.close(id, false);
        }
        gone.push(id);
        // The place is free after that was dispatched.
        while host.connections.next(&host.core, &mut Vecs).is_some() {}
    }
    let (mut client, id) = host.established();
    let place = |id: u32| id & ((1 << INDEX_BITS) - 1);
    assert!(
        gone.iter().any(|&old| place(old) == place(id)),
        "no place was used again"
    );
    for &old in &gone {
        assert!(host.connections.get(old).is_none());
        host.connections.pause(old);
        host.connections.resume(old);
        assert_eq!(host.connections.close(old, true).written, 0);
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
    let (_known, id) = host.established();
    let newcomer = host.adopted();
    while host.server.connections.owned() < 2 {
        std::thread::yield_now();
    }
    drop(newcomer);
    let notice = host.next();
    assert_eq!(
        (notice.flags, &notice.records.numbers[..]),
        (SERVER, &[DRAINED][..])
    );
    assert_eq!(host.server.connections.owned(), 1);
    host.connections.detach(&host.core, id).unwrap();
    assert_eq!(
        (
            host.server.connections.open(),
            host.server.connections.owned()
        ),
        (1, 0)
    );
}

#[test]
fn a_screened_connection_counts_once_it_is_admitted() {
    let mut host = Host::new();
    host.server.settings.set("screened", 1);
    host.server.settings.set("eager", 1);
    let _refused = host.adopted();
    let refused = host.next().id;
    assert_eq!(host.server.connections.open(), 0);
    host.close(refused, false);
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

#[test]
fn a_connection_of_which_javascript_hears_moves_to_its_thread_at_once() {
    if IO_THREADS != 0 {
        // There it moves after its first head.
        return;
    }
    let mut host = Host::new();
    host.server.settings.set("eager", 1);
    let (_listener, address) = host.listen();
    let _client = connect(address);
    let popped = host.next();
    assert_eq!(popped.records.numbers, [ACCEPTED]);
    let conn = host.conn(popped.id);
    // Nothing was sent, and nothing is told.
    host.until_seated(&conn);
}
